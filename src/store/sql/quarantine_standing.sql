SELECT id, reason, gap_from, backup_position, began_at FROM quarantines WHERE lifted_at IS NULL
