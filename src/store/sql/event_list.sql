SELECT at, kind, detail FROM payout_events WHERE payout_id = $1 ORDER BY id
