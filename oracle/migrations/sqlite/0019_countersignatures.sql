-- Operators' signatures over epochs, one a signer and epoch, and those that an epoch is published with: sending it again with
-- higher fees sends the same.
CREATE TABLE countersignatures (
    epoch INTEGER NOT NULL REFERENCES epochs (epoch),
    operator BLOB NOT NULL CHECK (length(operator) = 20),
    signature BLOB NOT NULL CHECK (length(signature) = 65),
    PRIMARY KEY (epoch, operator)
) STRICT, WITHOUT ROWID;

ALTER TABLE epochs ADD COLUMN signatures BLOB NOT NULL DEFAULT x'';
