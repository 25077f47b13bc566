SELECT data FROM upload_parts WHERE upload_id = $1 AND part = $2
