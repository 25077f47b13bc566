-- A first intent that was dated by a clock a minute or more ahead: nobody can say how old it is, so it counts as too old to be
-- sent again by itself.
UPDATE payouts SET intended_at = 0
WHERE id IN (SELECT id FROM payouts WHERE action = 'query' AND due_at IS NOT NULL AND intended_at > $1 + 60000000
             UNION ALL
             SELECT id FROM payouts WHERE action = 'submit' AND due_at IS NOT NULL AND intended_at > $1 + 60000000)
