DELETE FROM upload_parts
WHERE created_at < $1 AND upload_id NOT IN (SELECT upload_id FROM batches)
