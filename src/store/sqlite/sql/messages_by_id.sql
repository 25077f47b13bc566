SELECT m.id AS reference, m.organisation_id, m.lane, m.state, m.step, m.claim
FROM json_each($1) AS n
JOIN messages m ON m.id = unhex(n.value)
