-- What was overdue and is answered needs nobody any more.
UPDATE exceptions SET state = 'resolved', resolution = 'answered', resolved_at = $2
WHERE state <> 'resolved' AND kind = 'overdue'
  AND payout_id IN (SELECT unhex(value ->> 'id') FROM json_each($1))
