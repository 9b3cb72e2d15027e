-- For the question of one measure over a span: the primary keys begin with the hour, in which every measure has its rows.
CREATE INDEX IF NOT EXISTS measure_hours_by_kind ON telemetry.measure_hours (kind, measure, hour);
CREATE INDEX IF NOT EXISTS measure_buckets_by_kind ON telemetry.measure_buckets (kind, measure, hour);
