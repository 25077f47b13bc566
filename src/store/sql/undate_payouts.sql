-- What a clock that was ahead has put off must not wait until the true time gets there: what was dated by it, and whatever else
-- waits for more than an hour. To be asked about, or tried, once too early is no harm.
UPDATE payouts
SET due_at = CASE WHEN due_at > $1 THEN $1 ELSE due_at END,
    sent_at = CASE WHEN sent_at > $1 THEN $1 ELSE sent_at END
WHERE id IN (SELECT id FROM payouts
             WHERE action = 'query' AND due_at IS NOT NULL AND (sent_at > $1 OR due_at > $1 + 3600000000)
             UNION ALL
             SELECT id FROM payouts
             WHERE action = 'submit' AND due_at IS NOT NULL
               AND (sent_at > $1 OR due_at > $1 + 3600000000 OR (sent_at IS NULL AND due_at > $1)))
