SELECT MIN(row) AS row FROM payout_details WHERE batch_id = $1 AND reference = $2 AND row <> $3
