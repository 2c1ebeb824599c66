-- Words of tickets, for `search`: of the ticket itself, of its entries and of its numbers. A row's number says
-- whose words they are: four times the id, and 0 for a ticket, 1 for an entry, 2 for a number. The tokenizer
-- folds diacritics; the Polish l with stroke is a letter of its own to it, and is folded here.
CREATE VIEW words (id, words) AS
    SELECT id * 4, replace(replace(subject || ' ' || customer_name || ' ' || customer_address, 'ł', 'l'), 'Ł', 'L')
    FROM ticket
    UNION ALL
    SELECT id * 4 + 1, replace(replace(author || ' ' || substr(text, 1, 100000), 'ł', 'l'), 'Ł', 'L') FROM entry
    UNION ALL
    SELECT id * 4 + 2, value || ' ' || written FROM number;

CREATE VIRTUAL TABLE search USING fts5 (
    words, content = 'words', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
-- What is erased from a ticket is gone from the index, too.
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);
INSERT INTO search (search) VALUES ('rebuild');

CREATE TRIGGER ticket_is_found AFTER INSERT ON ticket BEGIN
    INSERT INTO search (rowid, words) VALUES (new.id * 4,
        replace(replace(new.subject || ' ' || new.customer_name || ' ' || new.customer_address, 'ł', 'l'), 'Ł', 'L'));
END;
CREATE TRIGGER ticket_is_found_otherwise AFTER UPDATE OF subject, customer_name, customer_address ON ticket BEGIN
    INSERT INTO search (search, rowid, words) VALUES ('delete', old.id * 4,
        replace(replace(old.subject || ' ' || old.customer_name || ' ' || old.customer_address, 'ł', 'l'), 'Ł', 'L'));
    INSERT INTO search (rowid, words) VALUES (new.id * 4,
        replace(replace(new.subject || ' ' || new.customer_name || ' ' || new.customer_address, 'ł', 'l'), 'Ł', 'L'));
END;
CREATE TRIGGER entry_is_found AFTER INSERT ON entry BEGIN
    INSERT INTO search (rowid, words) VALUES (new.id * 4 + 1,
        replace(replace(new.author || ' ' || substr(new.text, 1, 100000), 'ł', 'l'), 'Ł', 'L'));
END;
CREATE TRIGGER entry_is_found_otherwise AFTER UPDATE OF author, text ON entry BEGIN
    INSERT INTO search (search, rowid, words) VALUES ('delete', old.id * 4 + 1,
        replace(replace(old.author || ' ' || substr(old.text, 1, 100000), 'ł', 'l'), 'Ł', 'L'));
    INSERT INTO search (rowid, words) VALUES (new.id * 4 + 1,
        replace(replace(new.author || ' ' || substr(new.text, 1, 100000), 'ł', 'l'), 'Ł', 'L'));
END;
CREATE TRIGGER number_is_found AFTER INSERT ON number BEGIN
    INSERT INTO search (rowid, words) VALUES (new.id * 4 + 2, new.value || ' ' || new.written);
END;
CREATE TRIGGER number_is_found_otherwise AFTER UPDATE OF value, written ON number BEGIN
    INSERT INTO search (search, rowid, words) VALUES ('delete', old.id * 4 + 2, old.value || ' ' || old.written);
    INSERT INTO search (rowid, words) VALUES (new.id * 4 + 2, new.value || ' ' || new.written);
END;
CREATE TRIGGER number_is_found_no_more AFTER DELETE ON number BEGIN
    INSERT INTO search (search, rowid, words) VALUES ('delete', old.id * 4 + 2, old.value || ' ' || old.written);
END;

-- Whose data were erased, so that a restored copy forgets them again: the SHA-256 of salt and address.
CREATE TABLE erasure (
    salt BLOB PRIMARY KEY,
    address_hash BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- To whom a mail belongs.
CREATE INDEX entry_by_mail ON entry (content_hash) WHERE content_hash IS NOT NULL;
