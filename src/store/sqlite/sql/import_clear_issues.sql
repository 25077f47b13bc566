DELETE FROM issues WHERE batch_id = $1
