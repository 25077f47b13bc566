-- What is being read now; what was begun more than once may have killed whoever read it.
SELECT COUNT(*) AS reading, COALESCE(MAX(imports), 0) > 1 AS suspect
FROM batches
WHERE state = 'importing' AND due_at > $1 AND imports > 0
