UPDATE organisations SET lists_seen = lists_seen + 1 WHERE id = $1
