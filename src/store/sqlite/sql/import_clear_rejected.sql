DELETE FROM rejected_rows WHERE batch_id = $1
