-- Whether a folded report weighs something, for the figures that explain a score: the log says it, and this is only its copy.
ALTER TABLE reports ADD COLUMN weighed INTEGER NOT NULL DEFAULT 0 CHECK (weighed IN (0, 1));

CREATE INDEX reports_weighed ON reports (node, resource, sequence) WHERE weighed = 1;
