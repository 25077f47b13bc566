-- From when on what two people found unpaid may be paid again: until then its provider may still act on the reference it has.
ALTER TABLE payouts ADD COLUMN retry_from INTEGER;
