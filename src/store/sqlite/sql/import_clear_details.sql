DELETE FROM payout_details
WHERE batch_id = $1 AND row IN (SELECT row FROM payout_details WHERE batch_id = $1 LIMIT $2)
