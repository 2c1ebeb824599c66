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
    -- Filing took it out of the folder.
    moved INTEGER NOT NULL DEFAULT 0,
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
    continues INTEGER REFERENCES ticket,
    merged_into INTEGER REFERENCES ticket,
    assignee TEXT,
    admitted_at INTEGER,
    concern TEXT NOT NULL DEFAULT 'fault',
    -- What an engineer ordered in place of the contract's delivery time.
    delivery TEXT,
    wait_since INTEGER,
    wait_until INTEGER,
    wait_reason TEXT,
    wait_actor TEXT,
    wait_from TEXT,
    closes_at INTEGER,
    UNIQUE (year, sequence)
) STRICT;
CREATE INDEX ticket_by_customer ON ticket (customer_address, opened_at);
CREATE INDEX ticket_by_state ON ticket (state, id);
CREATE INDEX ticket_waiting ON ticket (wait_until) WHERE wait_until IS NOT NULL;
CREATE INDEX ticket_closing ON ticket (closes_at) WHERE closes_at IS NOT NULL;

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

-- A promise with a time; a ticket has one of a kind for each round.
CREATE TABLE clock (
    id INTEGER PRIMARY KEY,
    ticket_id INTEGER NOT NULL REFERENCES ticket,
    kind TEXT NOT NULL,
    round INTEGER NOT NULL,
    start INTEGER NOT NULL,
    start_reason TEXT NOT NULL,
    due INTEGER NOT NULL,
    -- Without a window the time is elapsed time.
    window TEXT,
    -- Microseconds of the window.
    amount INTEGER NOT NULL,
    explanation TEXT NOT NULL,
    plan TEXT NOT NULL,
    contract TEXT,
    customer TEXT,
    created_at INTEGER NOT NULL,
    -- A JSON list of {from, to}.
    pauses TEXT NOT NULL,
    paused INTEGER NOT NULL,
    ended_at INTEGER,
    ending TEXT CHECK (ending IN ('satisfied', 'withheld', 'withdrawn')),
    ended_by TEXT,
    UNIQUE (ticket_id, kind, round)
) STRICT;
CREATE INDEX clock_running ON clock (due) WHERE ended_at IS NULL AND NOT paused;
CREATE INDEX clock_broken ON clock (ticket_id) WHERE ended_at > due AND ending <> 'withheld';
CREATE INDEX clock_by_due ON clock (due);

-- What is done about a clock, each once.
CREATE TABLE rung (
    clock_id INTEGER NOT NULL REFERENCES clock,
    id TEXT NOT NULL,
    place INTEGER NOT NULL,
    at INTEGER NOT NULL,
    laid_at INTEGER NOT NULL,
    -- The clock runs and does not stand still.
    armed INTEGER NOT NULL,
    fired_at INTEGER,
    late_seconds INTEGER,
    late_cause TEXT,
    late_reason TEXT,
    PRIMARY KEY (clock_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX rung_armed ON rung (at, clock_id, place) WHERE armed AND fired_at IS NULL;

-- When the desk was last seen at work, and when it could not work.
CREATE TABLE pulse (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at INTEGER NOT NULL
) STRICT;
CREATE TABLE downtime (
    began INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    cause TEXT NOT NULL
) STRICT;
CREATE INDEX downtime_by_end ON downtime (ended);

-- What the alert command is to be told.
CREATE TABLE alert (
    id INTEGER PRIMARY KEY,
    cause TEXT NOT NULL UNIQUE,
    ticket_id INTEGER REFERENCES ticket,
    json TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'failed')),
    attempts INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    done_at INTEGER
) STRICT;
CREATE INDEX alert_pending ON alert (next_attempt_at) WHERE state = 'pending';

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
    -- Of a mail that gathers many tickets: what it was begun for.
    cause BLOB,
    -- The promise that is kept once it is accepted.
    keeps TEXT CHECK (keeps IN ('acknowledgement', 'contact')),
    -- After so many tries the two routes take turns, the second first.
    second_route_from INTEGER,
    bytes BLOB NOT NULL,
    -- What an engineer reads in it, compressed; none of it may come back in an answer.
    shown BLOB,
    -- 'unknown': handed over, and nobody knows whether it was taken.
    state TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sending', 'sent', 'unknown', 'failed')),
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
CREATE INDEX outbox_waiting ON outbox (next_attempt_at) WHERE state IN ('pending', 'unknown');
CREATE INDEX outbox_sending ON outbox (id) WHERE state = 'sending';
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
