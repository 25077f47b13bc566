DELETE FROM payout_details WHERE batch_id = $1 AND row = $2
