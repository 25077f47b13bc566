SELECT position FROM transfers WHERE organisation_id = $1 AND kind = 'funding' AND reference = $2
