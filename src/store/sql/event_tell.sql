-- Several people may speak while nothing else happens to the payout.
INSERT INTO payout_events (batch_id, row, claim, kind, at, detail) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (batch_id, row, claim, kind) DO UPDATE SET detail = payout_events.detail || '; then ' || excluded.detail
