-- How much the market is used, by day of final blocks. Facts that were final before this migration are not in it.
ALTER TABLE rentals ADD COLUMN transaction_hash BLOB NOT NULL
    DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000' CHECK (length(transaction_hash) = 32);
ALTER TABLE movements ADD COLUMN transaction_hash BLOB NOT NULL
    DEFAULT x'0000000000000000000000000000000000000000000000000000000000000000' CHECK (length(transaction_hash) = 32);

-- A day is the number of days since 1970-01-01 in UTC.
CREATE TABLE usage_days (
    day INTEGER PRIMARY KEY,
    transactions INTEGER NOT NULL,
    rentals INTEGER NOT NULL,
    accounts INTEGER NOT NULL,
    new_accounts INTEGER NOT NULL,
    deposited TEXT NOT NULL,
    refunded TEXT NOT NULL,
    collected TEXT NOT NULL,
    slashed TEXT NOT NULL
) STRICT;

-- Final blocks come in the order of their time, so the last day tells whether an account was counted on one.
CREATE TABLE usage_accounts (
    account BLOB PRIMARY KEY CHECK (length(account) = 20),
    last_day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The compute power at the end of an epoch.
CREATE TABLE powers (
    epoch INTEGER NOT NULL REFERENCES epochs (epoch),
    resource INTEGER NOT NULL,
    nodes INTEGER NOT NULL,
    advertised TEXT NOT NULL,
    probed_nodes INTEGER NOT NULL,
    probed TEXT NOT NULL,
    verified TEXT NOT NULL,
    PRIMARY KEY (epoch, resource)
) STRICT, WITHOUT ROWID;
