-- Batches with a row that would be sent under a reference that nobody asked about.
SELECT b.id
FROM batches b
WHERE b.approved_at IS NOT NULL AND b.kind = 'payout' AND b.state IN ('running', 'paused', 'cancelling', 'scheduled')
  AND EXISTS (SELECT 1 FROM payouts p
              WHERE p.batch_id = b.id AND p.action = 'submit' AND p.due_at IS NOT NULL AND p.state = 'queued'
                AND NOT EXISTS (SELECT 1 FROM quarantine_enquiries e
                                WHERE e.quarantine = $1 AND e.batch_id = p.batch_id AND e.row = p.row
                                  AND e.attempt = p.attempt AND e.said IS NOT NULL))
