INSERT INTO messages (id, organisation_id, batch_id, row, purpose, copy, lane, msisdn, text, currency, state, due_at,
                      created_at)
VALUES ($1, $2, $3, $4, 'test', $5, $6, $7, $8, $9, 'queued', $10, $10)
