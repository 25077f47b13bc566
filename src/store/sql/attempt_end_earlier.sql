-- A later attempt is known, so this one had definitively ended before it was sent.
UPDATE attempts SET state = 'failed', outcome = COALESCE(outcome, 'ended before a later attempt that the provider knows')
WHERE batch_id = $1 AND row = $2 AND attempt < $3 AND state = 'open'
