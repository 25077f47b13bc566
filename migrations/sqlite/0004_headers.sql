-- What the header of a list is recognised by when it comes again: its mapping is remembered once the list was approved.
ALTER TABLE batches ADD COLUMN header BLOB;
