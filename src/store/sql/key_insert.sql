INSERT INTO keys (id, organisation_id, member_id, role, hash, prefix, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
