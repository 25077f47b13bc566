DELETE FROM upload_parts
WHERE created_at < $1 AND NOT EXISTS (SELECT 1 FROM batches b WHERE b.upload_id = upload_parts.upload_id)
