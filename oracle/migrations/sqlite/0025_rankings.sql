-- What a ranking is filtered by stands beside the score, so that one index answers each filter in its order. Of nodes that were
-- announced before this migration the model is known from their next description on.
ALTER TABLE nodes ADD COLUMN model TEXT;
ALTER TABLE scores ADD COLUMN owner BLOB;
ALTER TABLE scores ADD COLUMN organisation BLOB;
ALTER TABLE scores ADD COLUMN model TEXT;

UPDATE scores SET (owner, organisation) =
    (SELECT provider, organisation FROM nodes WHERE nodes.node = scores.node);

CREATE INDEX scores_by_verdict ON scores (verdict, low_bps DESC, node);
CREATE INDEX scores_by_owner ON scores (owner, verdict, low_bps DESC, node) WHERE owner IS NOT NULL;
CREATE INDEX scores_by_organisation ON scores (organisation, verdict, low_bps DESC, node) WHERE organisation IS NOT NULL;
CREATE INDEX scores_by_model ON scores (model, verdict, low_bps DESC, node) WHERE model IS NOT NULL;

-- An epoch writes many scores and almost all are of nodes that have one: only a new one looks its node up.
CREATE TRIGGER scores_of_node AFTER INSERT ON scores BEGIN
    UPDATE scores SET (owner, organisation, model) =
        (SELECT provider, organisation, model FROM nodes WHERE node = NEW.node) WHERE node = NEW.node;
END;
CREATE TRIGGER nodes_announced AFTER INSERT ON nodes BEGIN
    UPDATE scores SET owner = NEW.provider, organisation = NEW.organisation, model = NEW.model WHERE node = NEW.node;
END;
CREATE TRIGGER nodes_described AFTER UPDATE OF provider, organisation, model ON nodes BEGIN
    UPDATE scores SET owner = NEW.provider, organisation = NEW.organisation, model = NEW.model WHERE node = NEW.node;
END;
