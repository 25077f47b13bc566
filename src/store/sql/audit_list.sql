SELECT organisation_id, sequence, at, actor, act, subject, detail, hash
FROM audit
WHERE organisation_id = $1 AND sequence > $2
ORDER BY sequence
LIMIT $3
