INSERT INTO accounts (id, organisation_id, kind, currency, lane) VALUES ($1, $2, 'settlement', $3, $4)
ON CONFLICT (id) DO NOTHING
