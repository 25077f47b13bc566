INSERT INTO attempts (payout_id, attempt, reference, lane, state, request, sends, intended_at, sent_at)
SELECT unhex(value ->> 'id'), value ->> 'attempt', unhex(value ->> 'reference'), value ->> 'lane', 'open',
       value ->> 'request', 1, $2, $2
FROM json_each($1)
WHERE true
ON CONFLICT (payout_id, attempt) DO UPDATE SET sends = attempts.sends + 1, sent_at = excluded.sent_at
