-- Trusted servers tell of what happens in their games.
ALTER TABLE telemetry.events DROP CONSTRAINT events_source_check;
ALTER TABLE telemetry.events ADD CONSTRAINT events_source_check CHECK (source IN ('client', 'server', 'trusted'));

ALTER TABLE telemetry.events
    -- Its number in its session, from 1 on.
    ADD COLUMN sequence bigint CHECK (sequence > 0),
    -- How far the sender's clock was behind ours when it sent this, the way here included; negative when it was ahead.
    ADD COLUMN skew_ms integer;

-- Events of kinds that nobody has defined yet, kept apart until somebody does.
CREATE TABLE telemetry.quarantine (
    event_id uuid NOT NULL,
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    source text NOT NULL CHECK (source IN ('client', 'server', 'trusted')),
    kind text NOT NULL,
    subject_id uuid,
    reason text NOT NULL,
    event jsonb NOT NULL
);
SELECT create_hypertable('telemetry.quarantine', by_range('at', INTERVAL '1 day'), create_default_indexes => false);
CREATE UNIQUE INDEX quarantine_once ON telemetry.quarantine (event_id, at);
-- For counts by kind, and for release, oldest first.
CREATE INDEX quarantine_kind ON telemetry.quarantine (kind, at, event_id);
-- For a player's export and erasure.
CREATE INDEX quarantine_subject ON telemetry.quarantine (subject_id, at) WHERE subject_id IS NOT NULL;

-- The minutes, added up; kept by the same transaction. They outlive the events.
CREATE TABLE telemetry.event_hours (
    hour timestamptz NOT NULL,
    source text NOT NULL,
    kind text NOT NULL,
    events bigint NOT NULL CHECK (events > 0),
    PRIMARY KEY (hour, source, kind)
);
INSERT INTO telemetry.event_hours (hour, source, kind, events)
SELECT date_trunc('hour', minute, 'UTC'), source, kind, sum(events) FROM telemetry.event_minutes GROUP BY 1, 2, 3;

-- Who was there on which day (UTC): one row a player and day, so distinct players of any span are exact.
CREATE TABLE telemetry.player_days (
    day date NOT NULL,
    subject_id uuid NOT NULL,
    PRIMARY KEY (day, subject_id)
);
INSERT INTO telemetry.player_days (day, subject_id)
SELECT DISTINCT (at AT TIME ZONE 'UTC')::date, subject_id FROM telemetry.events WHERE subject_id IS NOT NULL;

-- Numbers that events carry, as their types name them: exact counts and sums by the hour.
CREATE TABLE telemetry.measure_hours (
    hour timestamptz NOT NULL,
    source text NOT NULL,
    kind text NOT NULL,
    measure text NOT NULL,
    samples bigint NOT NULL CHECK (samples > 0),
    sum numeric NOT NULL,
    min numeric NOT NULL,
    max numeric NOT NULL,
    PRIMARY KEY (hour, source, kind, measure)
);

-- The same numbers counted by size, for percentiles within 1 %: bucket b > 0 holds (1.02^(b-1), 1.02^b] thousandths, bucket -b the
-- same below zero, and bucket 0 what is closer to zero than a thousandth.
-- Not STRICT, so that it is inlined where it is called.
CREATE FUNCTION telemetry.bucket_of(value numeric) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN abs(value) < 0.001 THEN 0
        -- Nothing that JSON can say as a number of ours is larger.
        ELSE sign(value)::integer
             * greatest(1, ceil(ln(least(abs(value), 1e300)::double precision * 1000) / ln(1.02::double precision))::integer)
    END
$$;

CREATE TABLE telemetry.measure_buckets (
    hour timestamptz NOT NULL,
    source text NOT NULL,
    kind text NOT NULL,
    measure text NOT NULL,
    bucket integer NOT NULL,
    samples bigint NOT NULL CHECK (samples > 0),
    PRIMARY KEY (hour, source, kind, measure, bucket)
);

-- How many numbered events of a session have come on a day, and which numbers: what is missing shows as a gap.
CREATE TABLE telemetry.session_sequences (
    session_id uuid NOT NULL,
    day timestamptz NOT NULL,
    numbered bigint NOT NULL CHECK (numbered > 0),
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL
);
SELECT create_hypertable('telemetry.session_sequences', by_range('day', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX session_sequences_once ON telemetry.session_sequences (session_id, day);
