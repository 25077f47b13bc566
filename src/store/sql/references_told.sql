UPDATE batches SET warnings = warnings + $3
WHERE id = $1 AND claim = $2 AND state IN ('importing', 'ready', 'awaiting_approval')
