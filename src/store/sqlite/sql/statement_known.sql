-- The payouts of lane $2 that lines of a statement name: by a reference of ours, or else by their id.
SELECT n.value ->> 'n' AS n, p.id, p.state, COALESCE(p.paid_amount, p.amount) AS amount,
       (SELECT json_group_array(t.amount) FROM transfers t
        WHERE t.batch_id = p.batch_id AND t.row = p.row AND t.kind = 'surplus') AS surplus
FROM json_each($1) AS n
JOIN attempts a ON a.reference = unhex(n.value ->> 'reference')
JOIN payouts p ON p.batch_id = a.batch_id AND p.row = a.row
WHERE p.lane = $2
UNION ALL
SELECT n.value ->> 'n', p.id, p.state, COALESCE(p.paid_amount, p.amount),
       (SELECT json_group_array(t.amount) FROM transfers t
        WHERE t.batch_id = p.batch_id AND t.row = p.row AND t.kind = 'surplus')
FROM json_each($1) AS n
JOIN payouts p ON p.id = unhex(n.value ->> 'payout')
WHERE p.lane = $2 AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.reference = unhex(n.value ->> 'reference'))
