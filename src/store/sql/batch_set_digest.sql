UPDATE batches SET digest = $3 WHERE id = $1 AND revision = $2 AND state = 'ready'
