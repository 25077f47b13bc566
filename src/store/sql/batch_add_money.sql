UPDATE batches SET reserved = reserved + $2, paid = paid + $3, released = released + $4 WHERE id = $1
