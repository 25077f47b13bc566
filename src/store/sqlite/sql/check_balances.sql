SELECT id, kind, kind || COALESCE(' ' || lane, '') AS account, currency, balance, batch_id FROM accounts
