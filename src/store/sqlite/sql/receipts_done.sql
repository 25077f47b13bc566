UPDATE receipts SET state = c.state, result = c.result, due_at = NULL, claim = receipts.claim + 1
FROM (SELECT unhex(value ->> 'id') AS done, value ->> 'state' AS state, value ->> 'result' AS result
      FROM json_each($1)) AS c
WHERE receipts.id = c.done
