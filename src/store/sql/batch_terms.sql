SELECT state, notify FROM batches WHERE id = $1
