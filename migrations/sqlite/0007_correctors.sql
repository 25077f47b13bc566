-- Who corrected rows of a list, which then is theirs too: they do not decide about its money.
CREATE TABLE correctors (
    batch_id     BLOB NOT NULL REFERENCES batches (id),
    principal_id BLOB NOT NULL,
    PRIMARY KEY (batch_id, principal_id)
) STRICT, WITHOUT ROWID;
