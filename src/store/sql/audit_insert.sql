INSERT INTO audit (organisation_id, sequence, at, actor, act, subject, detail, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
