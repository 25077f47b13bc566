SELECT id, detail, resolution FROM exceptions WHERE payout_id = $1 AND kind = $2 AND attempt = $3
