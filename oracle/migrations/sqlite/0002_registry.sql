-- Nodes and fishers as they described themselves.
CREATE TABLE nodes (
    node BLOB PRIMARY KEY CHECK (length(node) = 32),
    provider BLOB NOT NULL CHECK (length(provider) = 20),
    organisation BLOB CHECK (length(organisation) = 32),
    descriptor_digest BLOB NOT NULL CHECK (length(descriptor_digest) = 32),
    sequence INTEGER NOT NULL,
    offer_until INTEGER NOT NULL,
    description BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    log_index INTEGER NOT NULL REFERENCES log_entries (idx)
) STRICT;

CREATE TABLE fishers (
    fisher BLOB PRIMARY KEY CHECK (length(fisher) = 20),
    report_key BLOB NOT NULL CHECK (length(report_key) = 32),
    valid_until INTEGER NOT NULL,
    registration BLOB NOT NULL,
    log_index INTEGER NOT NULL REFERENCES log_entries (idx)
) STRICT;
