-- Times are microseconds since 1970 (UTC). Hashes are SHA-256.

-- A watched folder and the epoch of its UIDs.
CREATE TABLE folder (
    id INTEGER PRIMARY KEY,
    mailbox TEXT NOT NULL,
    name TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    -- Every UID up to this one has a disposition or is gone.
    cursor INTEGER NOT NULL DEFAULT 0,
    last_full_pass INTEGER,
    UNIQUE (mailbox, name)
) STRICT;

-- The bytes of every mail, compressed with zstd, kept before anything is parsed.
CREATE TABLE mail (
    content_hash BLOB PRIMARY KEY,
    bytes BLOB NOT NULL,
    kept_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Exactly one row for each UID that was decided.
CREATE TABLE journal (
    folder_id INTEGER NOT NULL REFERENCES folder,
    uid_validity INTEGER NOT NULL,
    uid INTEGER NOT NULL,
    internal_date INTEGER NOT NULL,
    -- Of a mail that was there before the desk only the header is read, and after the others.
    content_hash BLOB,
    header_hash BLOB,
    disposition TEXT NOT NULL CHECK (disposition IN ('opened', 'attached', 'noted', 'parked', 'duplicate')),
    reason TEXT NOT NULL,
    -- Where the sender stood, and what was proven.
    sender TEXT,
    ticket_id INTEGER REFERENCES ticket,
    decided_at INTEGER NOT NULL,
    filed_at INTEGER,
    PRIMARY KEY (folder_id, uid_validity, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX journal_by_content ON journal (content_hash);
CREATE INDEX journal_by_header ON journal (header_hash) WHERE content_hash IS NULL;
CREATE INDEX journal_unread ON journal (folder_id, uid_validity, uid) WHERE header_hash IS NULL;
CREATE INDEX journal_unfiled ON journal (folder_id, uid_validity, uid) WHERE filed_at IS NULL;

CREATE TABLE ticket (
    id INTEGER PRIMARY KEY,
    year INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    state TEXT NOT NULL,
    customer_name TEXT NOT NULL,
    customer_address TEXT NOT NULL,
    subject TEXT NOT NULL,
    language TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    linked_to INTEGER REFERENCES ticket,
    -- Separated by line ends.
    earlier_tags TEXT NOT NULL,
    UNIQUE (year, sequence)
) STRICT;
CREATE INDEX ticket_by_customer ON ticket (customer_address, opened_at);

CREATE TABLE participant (
    ticket_id INTEGER NOT NULL REFERENCES ticket,
    address TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (ticket_id, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE number (
    id INTEGER PRIMARY KEY,
    ticket_id INTEGER NOT NULL REFERENCES ticket,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    written TEXT NOT NULL,
    evidence TEXT NOT NULL,
    quoted INTEGER NOT NULL,
    on_file INTEGER NOT NULL,
    UNIQUE (ticket_id, kind, value)
) STRICT;
CREATE INDEX number_by_value ON number (kind, value);

CREATE TABLE clock (
    ticket_id INTEGER NOT NULL REFERENCES ticket,
    kind TEXT NOT NULL,
    start INTEGER NOT NULL,
    start_reason TEXT NOT NULL,
    due INTEGER NOT NULL,
    explanation TEXT NOT NULL,
    satisfied_at INTEGER,
    fired_at INTEGER,
    PRIMARY KEY (ticket_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX clock_running ON clock (due) WHERE satisfied_at IS NULL AND fired_at IS NULL;

CREATE TABLE entry (
    id INTEGER PRIMARY KEY,
    ticket_id INTEGER NOT NULL REFERENCES ticket,
    kind TEXT NOT NULL,
    author TEXT NOT NULL,
    message_id TEXT,
    -- The mail behind the entry, where one came in.
    content_hash BLOB REFERENCES mail,
    text TEXT NOT NULL,
    sender TEXT,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX entry_by_ticket ON entry (ticket_id);
CREATE INDEX entry_folded ON entry (ticket_id, at) WHERE kind = 'folded';
CREATE INDEX entry_withheld ON entry (message_id) WHERE kind = 'withheld';

-- Which ticket an answer to this Message-ID belongs to; an id with several tickets leads nowhere.
CREATE TABLE thread (
    message_id TEXT NOT NULL,
    ticket_id INTEGER NOT NULL REFERENCES ticket,
    PRIMARY KEY (message_id, ticket_id)
) STRICT, WITHOUT ROWID;

-- Mail on its way out: one mail, one recipient.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    ticket_id INTEGER REFERENCES ticket,
    purpose TEXT NOT NULL,
    recipient TEXT NOT NULL,
    satisfies TEXT,
    -- Of a mail that gathers many tickets: what it was begun for.
    cause BLOB,
    bytes BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    sent_at INTEGER
) STRICT;
-- What budgets count.
CREATE INDEX outbox_automatic ON outbox (created_at) WHERE purpose IN ('acknowledgement', 'gathered');
CREATE INDEX outbox_automatic_by_recipient ON outbox (recipient, created_at)
    WHERE purpose IN ('acknowledgement', 'gathered');
CREATE INDEX outbox_automatic_by_domain ON outbox (substr(recipient, instr(recipient, '@') + 1), created_at)
    WHERE purpose IN ('acknowledgement', 'gathered');
CREATE INDEX outbox_alerts ON outbox (created_at) WHERE purpose = 'alert';
CREATE INDEX outbox_pending ON outbox (next_attempt_at) WHERE state = 'pending';
CREATE INDEX outbox_by_ticket ON outbox (ticket_id);

-- One import of the list of contracts. What was on file at a moment is the newest version imported
-- until then; a version without a row here is still being written, or was never finished.
CREATE TABLE contract_list (
    version INTEGER PRIMARY KEY,
    imported_at INTEGER NOT NULL,
    -- The file's name without its folder, and its hash.
    source TEXT NOT NULL,
    content_hash BLOB NOT NULL,
    added INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    unchanged INTEGER NOT NULL
) STRICT;

-- A contract as it stood from one version of the list until another: one that changes gets a new row.
CREATE TABLE contract (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL,
    -- The first version that has it so, and the first that no longer has.
    since INTEGER NOT NULL,
    until INTEGER,
    nip TEXT NOT NULL,
    customer TEXT NOT NULL,
    plan TEXT NOT NULL,
    service_window TEXT NOT NULL,
    delivery TEXT NOT NULL,
    -- ISO dates; the last day belongs to it.
    valid_from TEXT NOT NULL,
    valid_to TEXT NOT NULL,
    strictness INTEGER NOT NULL,
    -- Lists parted by ;. They stand last, so that what comes before is read without them.
    senders TEXT NOT NULL,
    serials TEXT NOT NULL
) STRICT;
CREATE INDEX contract_by_number ON contract (number, since, until);
CREATE INDEX contract_by_nip ON contract (nip, strictness);
CREATE INDEX contract_until ON contract (until) WHERE until IS NOT NULL;

-- By which look-up keys (letters and digits alone, look-alikes made one) a contract is found.
CREATE TABLE contract_key (
    key TEXT NOT NULL,
    strictness INTEGER NOT NULL,
    contract_id INTEGER NOT NULL,
    -- The serial number behind the key; empty for the contract's own number.
    serial TEXT NOT NULL,
    PRIMARY KEY (key, strictness, contract_id, serial)
) STRICT, WITHOUT ROWID;

-- By which senders a contract is found: addresses, or @domain, in lower case.
CREATE TABLE contract_sender (
    sender TEXT NOT NULL,
    strictness INTEGER NOT NULL,
    contract_id INTEGER NOT NULL,
    PRIMARY KEY (sender, strictness, contract_id)
) STRICT, WITHOUT ROWID;
