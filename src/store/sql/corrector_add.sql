INSERT INTO correctors (batch_id, principal_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
