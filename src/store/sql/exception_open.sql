INSERT INTO exceptions (id, organisation_id, batch_id, payout_id, kind, attempt, detail, state, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'open', $8)
