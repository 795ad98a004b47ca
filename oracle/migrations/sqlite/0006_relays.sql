-- Relays and the accounts that own them. A key keeps its owner for ever, or evidence could change owners.
CREATE TABLE relays (
    relay BLOB PRIMARY KEY CHECK (length(relay) = 32),
    owner BLOB NOT NULL CHECK (length(owner) = 20),
    valid_until INTEGER NOT NULL,
    registration BLOB NOT NULL,
    log_index INTEGER NOT NULL REFERENCES log_entries (idx)
) STRICT, WITHOUT ROWID;
