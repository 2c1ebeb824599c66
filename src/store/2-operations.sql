-- An outage that somebody was told of, and whose end is still to be told.
CREATE TABLE outage (
    part TEXT NOT NULL,
    subject TEXT NOT NULL,
    since INTEGER NOT NULL,
    told_at INTEGER NOT NULL,
    PRIMARY KEY (part, subject)
) STRICT, WITHOUT ROWID;

-- When a chore of the operator's was last done.
CREATE TABLE chore (
    name TEXT PRIMARY KEY,
    done_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- In a copy of the database alone: when it was made.
CREATE TABLE copied (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;

-- Mails that left after the copy was made which this database was restored from: they are not sent again.
CREATE TABLE sent_before (
    message_id TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A time of which a restored database knows nothing, though the desk was at work: what answers a mail of that
-- time has left already.
CREATE TABLE lost_time (
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    restored_at INTEGER NOT NULL
) STRICT;
