UPDATE exceptions
SET state = 'resolved', resolution = verdict, confirmed_by = $2, confirmed_by_label = $3, resolved_at = $4
WHERE id = $1 AND state = 'proposed'
