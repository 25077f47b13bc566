INSERT INTO quarantines (reason, gap_from, backup_position, began_at) VALUES ($1, $2, $3, $4)
