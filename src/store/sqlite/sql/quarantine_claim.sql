UPDATE quarantine_enquiries
SET due_at = $2, claim = quarantine_enquiries.claim + 1
FROM (SELECT value ->> 'quarantine' AS quarantine, unhex(value ->> 'batch') AS batch_id, value ->> 'row' AS row,
             value ->> 'attempt' AS attempt
      FROM json_each($1)) AS c
WHERE quarantine_enquiries.quarantine = c.quarantine AND quarantine_enquiries.batch_id = c.batch_id
  AND quarantine_enquiries.row = c.row AND quarantine_enquiries.attempt = c.attempt
