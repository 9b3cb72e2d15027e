-- Days of telemetry.events from which the events of these kinds were let go before the rest of their day, so that no day is looked
-- through twice for the same.
CREATE TABLE telemetry.swept_days (
    day date PRIMARY KEY,
    kinds text[] NOT NULL,
    swept_at timestamptz NOT NULL
);
