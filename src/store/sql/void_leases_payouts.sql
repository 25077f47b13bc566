UPDATE payouts SET due_at = $1, claim = claim + 1
WHERE action = 'query' AND due_at IS NOT NULL AND (state = 'sending' OR claims > 0)
