INSERT INTO idempotency_keys (organisation_id, principal_id, route, key, fingerprint, answer, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
