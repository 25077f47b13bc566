INSERT INTO rejected_rows (batch_id, row, reference, name, msisdn, amount, cells)
SELECT $1, value ->> 'row', value ->> 'reference', value ->> 'name', value ->> 'msisdn', value ->> 'amount',
       value ->> 'cells'
FROM json_each($2)
