-- One enquiry for each attempt of each row from 1 to `through`.
INSERT INTO quarantine_enquiries (quarantine, batch_id, row, attempt, lane, due_at)
WITH RECURSIVE attempt (row, lane, n, last) AS (
    SELECT value ->> 'row', value ->> 'lane', value ->> 'from', value ->> 'through' FROM json_each($3)
    UNION ALL
    SELECT row, lane, n + 1, last FROM attempt WHERE n < last)
SELECT $1, $2, row, n, lane, $4 FROM attempt
WHERE true
ON CONFLICT (quarantine, batch_id, row, attempt) DO NOTHING
