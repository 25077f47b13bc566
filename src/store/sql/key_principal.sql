SELECT k.id, k.organisation_id, k.member_id, k.role, COALESCE(m.email, k.prefix) AS label
FROM keys k LEFT JOIN members m ON m.id = k.member_id
WHERE k.hash = $1 AND k.revoked_at IS NULL
