SELECT r.id, r.claim
FROM json_each($1) AS c
JOIN receipts r ON r.id = unhex(c.value ->> 'id')
WHERE r.claim = c.value ->> 'claim' AND r.state = 'received'
