UPDATE batches SET imports = imports + 1 WHERE id = $1 RETURNING imports
