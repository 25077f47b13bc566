SELECT organisation_id FROM batches WHERE id = $1
