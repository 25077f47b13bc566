-- Messages that wait in what was approved, and those that wait for no batch.
SELECT (SELECT COUNT(*) FROM messages m
        WHERE m.due_at IS NOT NULL AND (m.purpose <> 'bulk' OR m.state <> 'queued') AND m.state = 'queued')
     + (SELECT COUNT(*) FROM batches b
        JOIN messages m ON m.batch_id = b.id AND m.purpose = 'bulk' AND m.state = 'queued' AND m.due_at IS NOT NULL
        WHERE b.approved_at IS NOT NULL AND b.state <> 'cancelled' AND (b.state <> 'scheduled' OR b.scheduled_at <= $1))
       AS waiting,
       (SELECT COUNT(*) FROM exceptions WHERE state <> 'resolved') AS exceptions
