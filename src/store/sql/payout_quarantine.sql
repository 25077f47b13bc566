-- Nothing is done with it any more until two people have said what to do. What may be on the wire stays so.
UPDATE payouts
SET state = CASE state WHEN 'sending' THEN 'unknown' ELSE state END, exposed = CASE state WHEN 'queued' THEN exposed ELSE 1 END,
    due_at = NULL, claim = claim + 1, claims = 0, deaths = 0, frozen_by = COALESCE(frozen_by, $2)
WHERE id = $1
