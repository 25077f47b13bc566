SELECT COUNT(*) AS batches
FROM batches b
LEFT JOIN quarantine_batches s ON s.quarantine = $1 AND s.batch_id = b.id
WHERE b.approved_at IS NOT NULL AND b.kind = 'payout' AND COALESCE(s.swept, 0) = 0
