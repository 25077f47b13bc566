INSERT INTO batches (id, organisation_id, mode, kind, name, currency, state, due_at, notify, sms_template, mapping,
                     scheduled_at, declared_total, declared_count, file_name, upload_id, fingerprint, file_hash, created_by,
                     created_by_label, created_at)
VALUES ($1, $2, 'live', $18, $3, $4, 'importing', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $5)
