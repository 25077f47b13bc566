-- Rows by lane: each with whether all its attempts were answered for, and what is known of it.
SELECT lane, COUNT(*) AS rows, SUM(left_over = 0) AS asked, SUM(left_over > 0) AS left_over, SUM(missing) AS missing,
       SUM(left_over = 0 AND known = 0) AS not_known, MAX(trouble) AS trouble
FROM (SELECT e.lane, SUM(e.said IS NULL) AS left_over, MAX(e.missing) AS missing,
             MAX(COALESCE(e.said, 'not_found') <> 'not_found') AS known, MAX(e.trouble) AS trouble
      FROM quarantine_enquiries e
      WHERE e.quarantine = $1
      GROUP BY e.batch_id, e.row)
GROUP BY lane
ORDER BY lane
