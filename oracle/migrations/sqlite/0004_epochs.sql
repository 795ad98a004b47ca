-- Published epochs, every score that each changed, and the newest score of each node for ranking.
CREATE TABLE epochs (
    epoch INTEGER PRIMARY KEY,
    log_size INTEGER NOT NULL,
    log_root BLOB NOT NULL CHECK (length(log_root) = 32),
    root BLOB NOT NULL CHECK (length(root) = 32),
    rewards_root BLOB NOT NULL CHECK (length(rewards_root) = 32),
    parameters BLOB NOT NULL CHECK (length(parameters) = 32),
    data_hash BLOB NOT NULL CHECK (length(data_hash) = 32),
    leaves INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3),
    state_data BLOB NOT NULL
) STRICT;

CREATE INDEX epochs_unconfirmed ON epochs (epoch) WHERE state < 3;

CREATE TABLE scores (
    node BLOB PRIMARY KEY CHECK (length(node) = 32),
    epoch INTEGER NOT NULL REFERENCES epochs (epoch),
    provider BLOB NOT NULL CHECK (length(provider) = 20),
    low_bps INTEGER NOT NULL,
    score_bps INTEGER NOT NULL,
    high_bps INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    probes INTEGER NOT NULL,
    last_epoch INTEGER NOT NULL
) STRICT;

CREATE INDEX scores_ranking ON scores (low_bps DESC, node);

CREATE TABLE resource_scores (
    node BLOB NOT NULL,
    epoch INTEGER NOT NULL REFERENCES epochs (epoch),
    resource INTEGER NOT NULL,
    low_bps INTEGER NOT NULL,
    score_bps INTEGER NOT NULL,
    high_bps INTEGER NOT NULL,
    probes INTEGER NOT NULL,
    last_epoch INTEGER NOT NULL,
    PRIMARY KEY (node, epoch, resource)
) STRICT, WITHOUT ROWID;
