CREATE EXTENSION IF NOT EXISTS timescaledb;

CREATE SCHEMA telemetry;

CREATE TABLE telemetry.events (
    event_id uuid NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('client', 'server')),
    kind text NOT NULL,
    -- Never a player id: see player.subjects.
    subject_id uuid,
    session_id uuid,
    match_id uuid,
    mode text,
    queue text,
    region text,
    platform text,
    build text,
    properties jsonb NOT NULL
);

-- A day a chunk, because data goes by chunk: what is older than its policy is dropped without touching a row.
SELECT create_hypertable('telemetry.events', by_range('at', INTERVAL '1 day'), create_default_indexes => false);

-- What makes a redelivery harmless. A unique index of a hypertable must hold its partition column, so the same id at
-- two different times is two events; whoever sends an event again sends it with the time it had.
CREATE UNIQUE INDEX events_once ON telemetry.events (event_id, at);

-- For a player's export and erasure.
CREATE INDEX events_of_subject ON telemetry.events (subject_id, at) WHERE subject_id IS NOT NULL;

-- Counts by the event's own time, kept exact by the transaction that stores the events. They outlive the events.
CREATE TABLE telemetry.event_minutes (
    minute timestamptz NOT NULL,
    source text NOT NULL,
    kind text NOT NULL,
    events bigint NOT NULL CHECK (events > 0),
    PRIMARY KEY (minute, source, kind)
);

CREATE TABLE telemetry.event_totals (
    source text PRIMARY KEY,
    events bigint NOT NULL CHECK (events > 0)
);
