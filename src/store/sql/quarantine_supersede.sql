UPDATE quarantines SET lifted_at = $1, note = 'superseded: a backup that was taken in this quarantine was restored'
WHERE lifted_at IS NULL
