-- The hash chains that fishers registered, and which of their assignments were reported.
CREATE TABLE fisher_chains (
    fisher BLOB NOT NULL CHECK (length(fisher) = 20),
    chain_epoch INTEGER NOT NULL,
    chain BLOB NOT NULL CHECK (length(chain) = 32),
    PRIMARY KEY (fisher, chain_epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE assigned_reports (
    fisher BLOB NOT NULL CHECK (length(fisher) = 20),
    epoch INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    report BLOB NOT NULL CHECK (length(report) = 32),
    PRIMARY KEY (fisher, epoch, slot)
) STRICT, WITHOUT ROWID;
