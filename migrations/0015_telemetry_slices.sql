-- What each player plays on, as their client told at its newest sign-in: the platform's own events are asked for by it.
CREATE TABLE player.clients (
    player_id uuid PRIMARY KEY REFERENCES player.accounts ON DELETE CASCADE,
    platform text,
    build text,
    told_at timestamptz NOT NULL,
    CHECK (platform IS NOT NULL OR build IS NOT NULL)
);

-- Whole days of UTC, as facts are counted; no two have a day in common.
CREATE TABLE play.seasons (
    season text PRIMARY KEY,
    version integer NOT NULL CHECK (version > 0),
    starts_at timestamptz NOT NULL CHECK (date_trunc('day', starts_at, 'UTC') = starts_at),
    -- Not included.
    ends_at timestamptz NOT NULL CHECK (date_trunc('day', ends_at, 'UTC') = ends_at),
    changed_at timestamptz NOT NULL,
    CHECK (ends_at > starts_at),
    CONSTRAINT seasons_apart EXCLUDE USING gist (tstzrange(starts_at, ends_at) WITH &&)
);

-- Events of types whose retention is `long`, from when the rest of their day has gone.
CREATE TABLE telemetry.long_events (LIKE telemetry.events INCLUDING CONSTRAINTS);

-- Thirty days: it holds a small part of what telemetry.events does.
SELECT create_hypertable('telemetry.long_events', by_range('at', INTERVAL '30 days'), create_default_indexes => false);
CREATE UNIQUE INDEX long_events_once ON telemetry.long_events (event_id, at);

-- For a player's export and erasure.
CREATE INDEX long_events_of_subject ON telemetry.long_events (subject_id, at) WHERE subject_id IS NOT NULL;

-- insights.match_days and insights.queue_facts know regions only, from here on as before: most questions ask no more, and few rows are
-- quickly added up. The same by platform and build too, for those that do.
CREATE TABLE insights.match_slices (LIKE insights.match_days INCLUDING ALL);

CREATE TABLE insights.queue_slices (LIKE insights.queue_facts INCLUDING CONSTRAINTS);
SELECT create_hypertable('insights.queue_slices', by_range('begins_at', INTERVAL '30 days'), create_default_indexes => false);
CREATE UNIQUE INDEX queue_slices_once ON insights.queue_slices (hours, begins_at, queue, place);
