UPDATE batches SET paid = paid + $2, released = released + $3 WHERE id = $1
