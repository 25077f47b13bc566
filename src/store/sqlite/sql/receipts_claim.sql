-- Receipts that nobody survived reading twice are claimed one at a time: the others shall not die with them again.
UPDATE receipts SET due_at = $3, claim = claim + 1, claims = claims + 1
WHERE id IN (SELECT id FROM (SELECT s.id FROM receipts s
                             WHERE $4 AND s.claims >= 2 AND s.due_at IS NOT NULL AND s.due_at <= $1
                               AND NOT EXISTS (SELECT 1 FROM receipts h
                                               WHERE h.claims >= 2 AND h.due_at IS NOT NULL AND h.due_at > $1 AND h.claims > 2)
                             ORDER BY s.vouched DESC, s.due_at LIMIT 1)
             UNION ALL
             SELECT id FROM (SELECT n.id FROM receipts n WHERE n.due_at <= $1 AND n.claims < 2 ORDER BY n.vouched DESC, n.due_at LIMIT $2)
             LIMIT $2)
RETURNING id, lane, claim, claims - 1 AS died, kept, token_reference, headers, body, received_at
