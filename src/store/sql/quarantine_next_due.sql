SELECT MIN(e.due_at) AS due_at
FROM quarantine_enquiries e
WHERE e.lane = $1 AND e.said IS NULL AND e.quarantine = (SELECT q.id FROM quarantines q WHERE q.lifted_at IS NULL)
