-- A first intent that was dated by a clock a minute or more ahead: nobody can say how old it is, so it counts as too old to be
-- sent again by itself: it is dated long before there were clocks. What is surely not out has no age yet.
UPDATE payouts SET intended_at = CASE WHEN state = 'queued' AND exposed = 0 THEN NULL ELSE -9000000000000000 END
WHERE id IN (SELECT id FROM payouts WHERE action = 'query' AND due_at IS NOT NULL AND intended_at > $1 + 60000000
             UNION ALL
             SELECT id FROM payouts WHERE action = 'submit' AND due_at IS NOT NULL AND intended_at > $1 + 60000000)
