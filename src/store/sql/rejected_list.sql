SELECT r.row, r.cells, i.message
FROM rejected_rows r
LEFT JOIN issues i ON i.batch_id = r.batch_id AND i.row = r.row AND i.severity = 'error'
WHERE r.batch_id = $1 AND r.row > $2 AND r.aside = 0
  AND r.row <= (SELECT MAX(row) FROM (SELECT row FROM rejected_rows WHERE batch_id = $1 AND row > $2 AND aside = 0
                                      ORDER BY row LIMIT $3))
ORDER BY r.row, i.ordinal
