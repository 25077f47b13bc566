SELECT lane, at, lines, unknown, missing, differing FROM quarantine_matches WHERE quarantine = $1 ORDER BY at
