UPDATE batches SET state = 'awaiting_approval', claim = claim + 1, submitted_by = $2, rejection = NULL WHERE id = $1
