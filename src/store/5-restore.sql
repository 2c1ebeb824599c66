-- What an erasure left, since it was open or held: ticket numbers, separated by spaces.
ALTER TABLE erasure ADD COLUMN tickets_left TEXT NOT NULL DEFAULT '';

-- Which mail led to a mail of ours: both bear the moment of the decision.
CREATE INDEX journal_by_decision ON journal (decided_at);
