-- Commits and the reports that reveal them; raw rows are never changed, except that folding marks them.
CREATE TABLE commits (
    report BLOB NOT NULL CHECK (length(report) = 32),
    fisher BLOB NOT NULL CHECK (length(fisher) = 20),
    epoch INTEGER NOT NULL,
    weight INTEGER NOT NULL CHECK (weight BETWEEN 0 AND 64),
    log_index INTEGER NOT NULL REFERENCES log_entries (idx),
    PRIMARY KEY (report, fisher)
) STRICT, WITHOUT ROWID;

CREATE TABLE reports (
    sequence INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    node BLOB NOT NULL CHECK (length(node) = 32),
    fisher BLOB NOT NULL,
    rental BLOB NOT NULL UNIQUE CHECK (length(rental) = 32),
    resource INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    due INTEGER NOT NULL,
    bundle BLOB CHECK (length(bundle) = 32),
    weight INTEGER NOT NULL,
    folded INTEGER NOT NULL DEFAULT 0 CHECK (folded IN (0, 1)),
    log_index INTEGER NOT NULL REFERENCES log_entries (idx),
    signed BLOB NOT NULL,
    FOREIGN KEY (id, fisher) REFERENCES commits (report, fisher)
) STRICT;

CREATE INDEX reports_by_node ON reports (node, sequence);
CREATE INDEX reports_due ON reports (due, sequence) WHERE folded = 0;
