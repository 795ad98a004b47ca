-- Stamps of sessions that may be audited, by relay and the head of the renter's first frame. They are sealed, so they are
-- not in the log; they go when their session was audited or when they are too old to be asked for.
CREATE TABLE stamps (
    relay BLOB NOT NULL REFERENCES relays (relay),
    head BLOB NOT NULL CHECK (length(head) = 32),
    owner BLOB NOT NULL CHECK (length(owner) = 20),
    epoch INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    signed BLOB NOT NULL,
    PRIMARY KEY (relay, head)
) STRICT;

CREATE INDEX stamps_by_owner ON stamps (owner);
CREATE INDEX stamps_by_epoch ON stamps (epoch);
