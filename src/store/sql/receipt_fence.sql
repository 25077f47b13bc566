SELECT id FROM receipts WHERE id = $1 AND claim = $2 AND state = 'received'
