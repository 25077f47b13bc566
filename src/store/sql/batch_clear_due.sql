UPDATE batches SET due_at = NULL WHERE id = $1 AND state IN ('cancelling', 'cancelled')
