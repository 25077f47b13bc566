-- The rows of a batch have changed: it is gone through once more.
DELETE FROM quarantine_batches
WHERE batch_id = $1 AND quarantine IN (SELECT id FROM quarantines WHERE lifted_at IS NULL)
