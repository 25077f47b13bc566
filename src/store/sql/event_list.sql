SELECT at, kind, detail FROM payout_events WHERE batch_id = $1 AND row = $2 ORDER BY claim, at
