-- What each fisher has earned by the newest epoch that changed it; what may be claimed is the blob that an epoch's rewards root names.
CREATE TABLE rewards (
    fisher BLOB PRIMARY KEY CHECK (length(fisher) = 20),
    epoch INTEGER NOT NULL REFERENCES epochs (epoch),
    earned TEXT NOT NULL,
    pending TEXT NOT NULL,
    forfeited TEXT NOT NULL
) STRICT;
