INSERT INTO receipts (id, lane, fingerprint, reference, vouched, kept, headers, body, state, due_at, received_at)
VALUES ($1, $2, $3, $4, 1, $5, '[]', x'', 'received', $6, $6)
ON CONFLICT (lane, fingerprint) DO NOTHING
