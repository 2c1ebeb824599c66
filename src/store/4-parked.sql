-- Mails that wait for a person.
CREATE TABLE parked (
    id INTEGER PRIMARY KEY,
    -- Of a mail that the server never handed out there are no bytes.
    content_hash BLOB,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    sender TEXT NOT NULL,
    subject TEXT NOT NULL,
    place TEXT NOT NULL,
    received INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    parked_at INTEGER NOT NULL,
    -- The ticket that it is about.
    ticket_id INTEGER REFERENCES ticket,
    -- Its own clock, where it has one.
    due INTEGER,
    remind_at INTEGER,
    reminded_at INTEGER,
    escalate_at INTEGER,
    escalated_at INTEGER,
    settled_at INTEGER,
    settled_as TEXT CHECK (settled_as IN ('released', 'discarded', 'answered')),
    settled_by TEXT,
    settled_why TEXT
) STRICT;
CREATE INDEX parked_waiting ON parked (parked_at) WHERE settled_at IS NULL;
CREATE INDEX parked_to_remind ON parked (remind_at) WHERE settled_at IS NULL AND reminded_at IS NULL;
CREATE INDEX parked_to_escalate ON parked (escalate_at) WHERE settled_at IS NULL AND escalated_at IS NULL;
CREATE INDEX parked_by_content ON parked (content_hash) WHERE content_hash IS NOT NULL;
CREATE INDEX parked_by_ticket ON parked (ticket_id) WHERE settled_at IS NULL;

-- What was parked before: its clock has run out long ago, and the next digest tells of it.
INSERT INTO parked (content_hash, cause, reason, sender, subject, place, received, sent, parked_at)
SELECT content_hash, 'other', reason, '', '', 'UID ' || uid, internal_date, internal_date, decided_at
FROM journal WHERE disposition = 'parked';
