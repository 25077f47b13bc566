SELECT w.id, w.currency, w.balance AS available,
       CAST(COALESCE((SELECT SUM(h.balance) FROM accounts h
                      WHERE h.organisation_id = w.organisation_id AND h.kind = 'hold' AND h.currency = w.currency
                        AND h.balance > 0), 0) AS BIGINT) AS held
FROM accounts w
WHERE w.organisation_id = $1 AND w.kind = 'wallet'
ORDER BY w.currency
