SELECT fingerprint FROM batches WHERE organisation_id = $1 AND id = $2
