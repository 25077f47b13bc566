INSERT INTO accounts (id, organisation_id, kind, currency) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING
