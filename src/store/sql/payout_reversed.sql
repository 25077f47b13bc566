UPDATE payouts SET reason_code = 'reversed', reason = $2, claim = claim + 1 WHERE id = $1
