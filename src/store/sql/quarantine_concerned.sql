SELECT b.id, b.name, b.state, o.name AS organisation, e.rows, e.left_over
FROM (SELECT batch_id, COUNT(DISTINCT row) AS rows, SUM(said IS NULL) AS left_over
      FROM quarantine_enquiries WHERE quarantine = $1 GROUP BY batch_id) AS e
JOIN batches b ON b.id = e.batch_id
JOIN organisations o ON o.id = b.organisation_id
ORDER BY b.created_at
LIMIT 100
