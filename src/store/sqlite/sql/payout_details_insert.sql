INSERT INTO payout_details (payout_id, name, reference, network, note, variables)
SELECT unhex(value ->> 'id'), value ->> 'name', value ->> 'reference', value ->> 'network', value ->> 'note',
       value ->> 'variables'
FROM json_each($1)
