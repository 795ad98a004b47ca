-- Whether a bundle may be served is asked of its report.
CREATE INDEX reports_by_bundle ON reports (bundle) WHERE bundle IS NOT NULL;
