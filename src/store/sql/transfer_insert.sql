INSERT INTO transfers (organisation_id, kind, debit_account, credit_account, amount, currency, batch_id, reference,
                       created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
