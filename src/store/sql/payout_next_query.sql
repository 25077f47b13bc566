SELECT MIN(due_at) AS due_at FROM payouts WHERE lane = $1 AND action = 'query' AND due_at IS NOT NULL
