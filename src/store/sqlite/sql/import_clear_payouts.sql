DELETE FROM payouts WHERE batch_id = $1
