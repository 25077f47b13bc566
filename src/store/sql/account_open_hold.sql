INSERT INTO accounts (id, organisation_id, kind, currency, batch_id) VALUES ($1, $2, 'hold', $3, $4)
ON CONFLICT (id) DO NOTHING
