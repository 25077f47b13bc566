INSERT INTO exceptions (id, organisation_id, payout_id, kind, attempt, detail, state, opened_at)
VALUES ($1, $2, $3, $4, $5, $6, 'open', $7)
ON CONFLICT (payout_id, kind, attempt) DO NOTHING
