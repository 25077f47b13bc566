-- An approved batch that was not gone through to its end.
SELECT b.id, COALESCE(s.through, 0) AS through
FROM batches b
LEFT JOIN quarantine_batches s ON s.quarantine = $1 AND s.batch_id = b.id
WHERE b.approved_at IS NOT NULL AND b.kind = 'payout' AND COALESCE(s.swept, 0) = 0
LIMIT 1
