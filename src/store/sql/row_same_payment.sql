SELECT MIN(row) AS row FROM payouts
WHERE organisation_id = $1 AND msisdn = $2 AND amount = $3 AND batch_id = $4 AND row <> $5
