SELECT balance FROM accounts WHERE id = $1
