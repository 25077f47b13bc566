SELECT organisation_id, state, step, claim FROM messages WHERE id = $1 AND lane = $2
