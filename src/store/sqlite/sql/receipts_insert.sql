INSERT INTO receipts (id, lane, fingerprint, reference, token_reference, vouched, headers, body, state, due_at, received_at)
SELECT unhex(value ->> 'id'), value ->> 'lane', unhex(value ->> 'fingerprint'), unhex(value ->> 'reference'),
       unhex(value ->> 'token_reference'), value ->> 'vouched', value ->> 'headers', CAST(value ->> 'body' AS BLOB), 'received',
       value ->> 'received_at', value ->> 'received_at'
FROM json_each($1)
WHERE true
ON CONFLICT (lane, fingerprint) DO NOTHING
