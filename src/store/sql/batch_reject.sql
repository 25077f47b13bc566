UPDATE batches SET state = 'ready', claim = claim + 1, rejection = $2 WHERE id = $1
