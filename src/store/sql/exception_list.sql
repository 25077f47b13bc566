SELECT id, payout_id, kind, attempt, detail, state, opened_at
FROM exceptions
WHERE organisation_id = $1 AND (opened_at > $2 OR (opened_at = $2 AND id > $3))
ORDER BY opened_at, id
LIMIT $4
