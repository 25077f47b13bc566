-- Other lists with a column of references that are open, or were over not before $2; none if this list, once it is read, has no
-- such column itself.
SELECT o.id, o.name, o.created_at, o.rows
FROM batches b
JOIN batches o ON o.organisation_id = b.organisation_id AND o.kind = b.kind AND o.id <> b.id
WHERE b.id = $1 AND b.kind = 'payout' AND (o.mapping IS NULL OR o.mapping LIKE '%"reference"%')
  AND (b.state = 'importing' OR b.mapping IS NULL OR b.mapping LIKE '%"reference"%')
  AND (o.state NOT IN ('importing', 'import_failed', 'completed', 'cancelled') OR o.completed_at >= $2)
ORDER BY o.created_at DESC, o.id
LIMIT $3
