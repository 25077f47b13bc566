UPDATE payouts SET retry_from = $2 WHERE id = $1
