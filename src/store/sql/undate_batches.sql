-- As for payouts: a list that is being cancelled gives its money back now. When a list is to start is people's to say.
UPDATE batches SET due_at = $1 WHERE state IN ('cancelling', 'cancelled') AND due_at > $1
