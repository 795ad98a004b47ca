-- What has changed since a score that a reader was told.
CREATE INDEX scores_by_epoch ON scores (epoch, node);
