INSERT INTO members (id, organisation_id, email, role, created_at) VALUES ($1, $2, $3, $4, $5)
