DELETE FROM payout_details WHERE payout_id IN (SELECT id FROM payouts WHERE batch_id = $1)
