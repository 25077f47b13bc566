INSERT INTO upload_parts (upload_id, part, organisation_id, data, created_at) VALUES ($1, $2, $3, $4, $5)
