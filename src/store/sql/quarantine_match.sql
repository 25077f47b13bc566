INSERT INTO quarantine_matches (quarantine, at, lane, file_hash, lines, unknown, missing, differing)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
