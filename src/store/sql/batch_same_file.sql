-- A list that was cancelled before anybody approved it paid nothing. One of another kind does something else with the same
-- people, and so does one of SMS that tells them another text.
SELECT b.name, b.created_at FROM batches own
JOIN batches b ON b.organisation_id = own.organisation_id AND b.file_hash = own.file_hash AND b.kind = own.kind AND b.id <> own.id
WHERE own.id = $1 AND (own.kind <> 'sms' OR b.sms_template = own.sms_template) AND b.state <> 'import_failed'
  AND (b.state <> 'cancelled' OR b.approved_at IS NOT NULL)
  AND (b.created_at >= $2 OR b.completed_at >= $2
       OR b.state IN ('ready', 'awaiting_approval', 'scheduled', 'running', 'paused', 'cancelling'))
ORDER BY b.created_at DESC
LIMIT 1
