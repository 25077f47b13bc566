-- Each column is a table as text, a line a row; null is nothing between two bars. $1 is the last transfer that was seen.
SELECT
    (SELECT group_concat(concat_ws('|', hex(id), hex(batch_id), row, lane, msisdn, amount, amount + fee + tax, currency, state,
                                   action, ifnull(due_at, ''), claim, attempt, frozen_by IS NOT NULL), char(10))
     FROM payouts),
    (SELECT group_concat(concat_ws('|', hex(id), hex(organisation_id), state, ifnull(due_at, ''), notify, ifnull(digest, ''),
                                   valid, invalid, amount, reserved, paid, released), char(10) ORDER BY created_at, id)
     FROM batches),
    (SELECT group_concat(concat_ws('|', hex(batch_id), state, rows, amount, total), char(10)) FROM batch_tallies),
    (SELECT group_concat(concat_ws('|', hex(batch_id), row, attempt, hex(reference), state), char(10)) FROM attempts),
    (SELECT group_concat(concat_ws('|', hex(id), kind, currency, ifnull(hex(batch_id), ''), ifnull(lane, ''), balance),
                         char(10))
     FROM accounts),
    (SELECT group_concat(concat_ws('|', hex(id), hex(organisation_id), hex(payout_id), kind, attempt, state,
                                   ifnull(verdict, ''), ifnull(resolution, '')), char(10) ORDER BY rowid)
     FROM exceptions),
    (SELECT group_concat(concat_ws('|', hex(id), hex(batch_id), row, purpose, cost, state, ifnull(due_at, '')), char(10))
     FROM messages),
    (SELECT group_concat(concat_ws('|', position, kind, hex(debit_account), hex(credit_account), amount, currency,
                                   ifnull(hex(batch_id), ''), ifnull(row, ''), ifnull(attempt, '')), char(10)
                         ORDER BY position)
     FROM transfers WHERE position > $1),
    (SELECT COUNT(*) FROM transfers),
    (SELECT COUNT(*) FROM receipts WHERE due_at IS NOT NULL),
    (SELECT COUNT(*) FROM audit)
