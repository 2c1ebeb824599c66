ALTER TABLE erasure DROP COLUMN tickets_left;
DROP INDEX journal_by_decision;
