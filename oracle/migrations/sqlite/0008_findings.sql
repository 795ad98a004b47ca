-- What audits found of fishers, until their lag has passed and they enter the log.
CREATE TABLE findings (
    sequence INTEGER PRIMARY KEY,
    fisher BLOB NOT NULL CHECK (length(fisher) = 20),
    owner BLOB NOT NULL CHECK (length(owner) = 20),
    finding INTEGER NOT NULL CHECK (finding BETWEEN 1 AND 3),
    due INTEGER NOT NULL
) STRICT;

CREATE INDEX findings_due ON findings (due);
