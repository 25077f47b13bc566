SELECT fingerprint, answer FROM idempotency_keys
WHERE organisation_id = $1 AND principal_id = $2 AND route = $3 AND key = $4
