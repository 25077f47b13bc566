-- What they moved for each batch, and how many they are; those of no batch are in the line without one.
SELECT batch_id, COUNT(*) AS transfers,
       SUM(CASE WHEN kind IN ('reserve', 'receivable') THEN amount ELSE 0 END) AS reserved,
       SUM(CASE WHEN kind IN ('paid', 'fee', 'tax', 'sms') THEN amount ELSE 0 END) AS paid,
       SUM(CASE WHEN kind = 'release' THEN amount ELSE 0 END) AS released
FROM transfers
WHERE position > $1 AND position <= $2
GROUP BY batch_id
