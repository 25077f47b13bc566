INSERT INTO attempts (batch_id, row, attempt, reference, lane, state, request, sends, intended_at, sent_at)
SELECT unhex(value ->> 'batch'), value ->> 'row', value ->> 'attempt', unhex(value ->> 'reference'), value ->> 'lane', 'open',
       value ->> 'request', 1, $2, $2
FROM json_each($1)
WHERE true
ON CONFLICT (batch_id, row, attempt) DO UPDATE SET sends = attempts.sends + 1, sent_at = excluded.sent_at
