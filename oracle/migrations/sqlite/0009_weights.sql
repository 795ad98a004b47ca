-- Weights follow from the log, so that replay finds them: no row fixes one. A commit that was never revealed is counted once.
ALTER TABLE commits DROP COLUMN weight;
ALTER TABLE reports DROP COLUMN weight;
ALTER TABLE commits ADD COLUMN unrevealed INTEGER NOT NULL DEFAULT 0 CHECK (unrevealed IN (0, 1));

CREATE INDEX commits_by_epoch ON commits (epoch);
