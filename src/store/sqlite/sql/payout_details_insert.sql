INSERT INTO payout_details (batch_id, row, name, reference, network, note, variables)
SELECT $2, value ->> 'row', value ->> 'name', value ->> 'reference', value ->> 'network', value ->> 'note',
       value ->> 'variables'
FROM json_each($1)
