-- Whether somebody vouches for a receipt. Of those that came in before, nobody asked: they are kept like the vouched ones.
ALTER TABLE receipts ADD COLUMN vouched INTEGER NOT NULL DEFAULT 1 CHECK (vouched IN (0, 1));

-- What somebody vouches for is applied first.
DROP INDEX receipts_due;
CREATE INDEX receipts_due ON receipts (vouched DESC, due_at) WHERE due_at IS NOT NULL;
-- In the order in which they came, whatever the clock said.
CREATE INDEX receipts_unvouched ON receipts (lane) WHERE vouched = 0;
-- Those that nobody survived reading are few, and must not be looked for among all.
CREATE INDEX receipts_suspect ON receipts (vouched DESC, due_at) WHERE claims >= 2 AND due_at IS NOT NULL;
