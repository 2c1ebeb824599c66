-- An outage that somebody was told of, and whose end is still to be told.
CREATE TABLE outage (
    part TEXT NOT NULL,
    subject TEXT NOT NULL,
    since INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (part, subject)
) STRICT, WITHOUT ROWID;
