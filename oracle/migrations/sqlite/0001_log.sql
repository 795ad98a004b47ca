-- The market that this store belongs to, and the append-only log.
CREATE TABLE market (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    identity BLOB NOT NULL
) STRICT;

CREATE TABLE log_entries (
    idx INTEGER PRIMARY KEY,
    leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
    bytes BLOB NOT NULL
) STRICT;

-- Finished inner subtrees; level 0 is log_entries.leaf_hash.
CREATE TABLE log_subtrees (
    level INTEGER NOT NULL CHECK (level > 0),
    idx INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
