SELECT lists_seen FROM organisations WHERE id = $1
