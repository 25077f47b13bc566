SELECT id FROM members WHERE organisation_id = $1 AND email = $2
