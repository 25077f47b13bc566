UPDATE payouts SET attempt = $2, claim = claim + 1 WHERE id = $1 AND state IN ('failed', 'cancelled')
