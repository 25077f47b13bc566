INSERT INTO quarantine_batches (quarantine, batch_id, through, swept) VALUES ($1, $2, $3, $4)
ON CONFLICT (quarantine, batch_id) DO UPDATE SET through = excluded.through, swept = excluded.swept
