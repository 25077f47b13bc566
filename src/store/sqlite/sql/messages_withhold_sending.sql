-- The machine knows no step from queued to unknown: it was sent, or may have been, though not by this database.
UPDATE messages SET state = 'sending' WHERE id IN (SELECT unhex(value) FROM json_each($1)) AND state = 'queued'
