-- Cases of Court and what happened in them. Both hang on their blocks, and go with them when the chain reorganises.
CREATE TABLE cases (
    case_id BLOB PRIMARY KEY CHECK (length(case_id) = 32),
    block INTEGER NOT NULL REFERENCES blocks (number) ON DELETE CASCADE,
    log_index INTEGER NOT NULL,
    transaction_hash BLOB NOT NULL CHECK (length(transaction_hash) = 32),
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 2),
    subject BLOB NOT NULL CHECK (length(subject) = 32),
    node BLOB NOT NULL CHECK (length(node) = 32),
    provider BLOB NOT NULL CHECK (length(provider) = 20),
    filer BLOB NOT NULL CHECK (length(filer) = 20),
    rental BLOB NOT NULL CHECK (length(rental) = 32),
    evidence BLOB NOT NULL CHECK (length(evidence) = 32),
    bond TEXT NOT NULL,
    cap TEXT NOT NULL,
    answer_until INTEGER NOT NULL,
    ruling_until INTEGER NOT NULL,
    frozen_until INTEGER NOT NULL
) STRICT;

CREATE INDEX cases_by_place ON cases (block, log_index);
CREATE INDEX cases_by_node ON cases (node, block, log_index);
CREATE INDEX cases_by_provider ON cases (provider, block, log_index);
CREATE INDEX cases_by_filer ON cases (filer, block, log_index);

CREATE TABLE case_steps (
    block INTEGER NOT NULL REFERENCES blocks (number) ON DELETE CASCADE,
    log_index INTEGER NOT NULL,
    case_id BLOB NOT NULL CHECK (length(case_id) = 32),
    transaction_hash BLOB NOT NULL CHECK (length(transaction_hash) = 32),
    step INTEGER NOT NULL CHECK (step BETWEEN 2 AND 8),
    actor BLOB CHECK (length(actor) = 20),
    amount TEXT,
    deadline INTEGER,
    outcome INTEGER,
    levy_bps INTEGER,
    statement BLOB CHECK (length(statement) = 32),
    PRIMARY KEY (block, log_index)
) STRICT, WITHOUT ROWID;

CREATE INDEX case_steps_by_case ON case_steps (case_id, block, log_index);
