SELECT EXISTS (SELECT 1 FROM exceptions WHERE batch_id = $1 AND state <> 'resolved' AND kind = 'overdue') AS found
