UPDATE payouts SET paid_amount = $2, claim = claim + 1 WHERE id = $1
