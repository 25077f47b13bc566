-- An attempt that this database had forgotten.
INSERT INTO attempts (batch_id, row, attempt, reference, lane, state, request, sends, intended_at, sent_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)
