-- The machine knows no step from queued to unknown: it was sent, though not by this database.
UPDATE payouts SET state = 'sending' WHERE id = $1 AND state = 'queued'
