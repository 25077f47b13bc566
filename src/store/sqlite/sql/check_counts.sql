-- Every accepted row of batch $1 is somewhere, with its money.
SELECT 'batch ' || lower(hex(b.id)) || ' has ' || b.valid || ' rows of ' || b.amount || ', its states have '
       || SUM(t.rows) || ' of ' || SUM(t.amount) AS what
FROM batches b JOIN batch_tallies t ON t.batch_id = b.id
WHERE b.id = $1 AND b.state NOT IN ('importing', 'import_failed')
GROUP BY b.id
HAVING b.valid <> SUM(t.rows) OR b.amount <> SUM(t.amount)
