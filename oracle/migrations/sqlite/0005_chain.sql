-- The index of the chain. What belongs to a block goes with it when the chain reorganises.
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    timestamp INTEGER NOT NULL,
    final INTEGER NOT NULL DEFAULT 0 CHECK (final IN (0, 1))
) STRICT;

CREATE INDEX blocks_final ON blocks (timestamp, number) WHERE final = 1;
CREATE INDEX blocks_final_number ON blocks (number) WHERE final = 1;

CREATE TABLE rentals (
    rental BLOB PRIMARY KEY CHECK (length(rental) = 32),
    block INTEGER NOT NULL REFERENCES blocks (number) ON DELETE CASCADE,
    log_index INTEGER NOT NULL,
    node BLOB NOT NULL CHECK (length(node) = 32),
    provider BLOB NOT NULL CHECK (length(provider) = 20),
    consumer BLOB NOT NULL CHECK (length(consumer) = 20),
    rate TEXT NOT NULL,
    deposit TEXT NOT NULL,
    start INTEGER NOT NULL,
    note BLOB NOT NULL CHECK (length(note) = 32)
) STRICT;

CREATE INDEX rentals_by_block ON rentals (block);

CREATE TABLE movements (
    block INTEGER NOT NULL REFERENCES blocks (number) ON DELETE CASCADE,
    log_index INTEGER NOT NULL,
    rental BLOB NOT NULL CHECK (length(rental) = 32),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 2 AND 5),
    amount TEXT NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT, WITHOUT ROWID;

CREATE INDEX movements_by_rental ON movements (rental, block, log_index);

CREATE TABLE bonds (
    block INTEGER NOT NULL REFERENCES blocks (number) ON DELETE CASCADE,
    log_index INTEGER NOT NULL,
    fisher BLOB NOT NULL CHECK (length(fisher) = 20),
    amount TEXT NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT, WITHOUT ROWID;

CREATE INDEX bonds_by_fisher ON bonds (fisher, block, log_index);

-- Log entries of blocks that are not final yet.
CREATE TABLE waiting_entries (
    block INTEGER NOT NULL REFERENCES blocks (number) ON DELETE CASCADE,
    log_index INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (block, log_index)
) STRICT;

-- Sums over final blocks, so that showing them does not depend on how many rentals there were.
CREATE TABLE payments (
    node BLOB PRIMARY KEY CHECK (length(node) = 32),
    rentals INTEGER NOT NULL,
    consumers INTEGER NOT NULL,
    deposited TEXT NOT NULL,
    refunded TEXT NOT NULL,
    collected TEXT NOT NULL,
    slashed TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE payers (
    node BLOB NOT NULL,
    consumer BLOB NOT NULL CHECK (length(consumer) = 20),
    PRIMARY KEY (node, consumer)
) STRICT, WITHOUT ROWID;
