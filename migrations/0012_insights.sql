-- Facts that the questions of staff are answered from. Telemetry's writers leave what a batch brought in insights.pending, in
-- the transaction that stored its events; folding moves it from there into the tables below, each batch once.
CREATE SCHEMA insights;

CREATE TABLE insights.pending (
    batch bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    facts bytea NOT NULL
);

-- It lives for seconds: compressing it would cost more than it saves.
ALTER TABLE insights.pending ALTER COLUMN facts SET STORAGE EXTERNAL;

-- Where events come from, by number. There are at most a few thousand; what comes when it is full is place 1.
CREATE TABLE insights.places (
    place integer PRIMARY KEY,
    region text,
    platform text,
    build text,
    UNIQUE NULLS NOT DISTINCT (region, platform, build)
);

INSERT INTO insights.places (place, region, platform, build)
VALUES (0, NULL, NULL, NULL), (1, '(other)', '(other)', '(other)');

-- Kinds of events, by number; bounded likewise. 0 is any event at all.
CREATE TABLE insights.kinds (
    kind_no integer PRIMARY KEY,
    kind text NOT NULL UNIQUE
);

INSERT INTO insights.kinds (kind_no, kind) VALUES (0, '*'), (1, '(other)');

-- Players by number, so that a month of them fits into little room. Erasing a player empties subject_id; what is left is a number
-- that leads nowhere.
CREATE TABLE insights.players (
    player integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject_id uuid UNIQUE,
    first_day date NOT NULL
);

CREATE INDEX players_first_day ON insights.players (first_day, player);

-- Which player had an event of a kind on a day (UTC), at a place: the first and the last, in milliseconds after midnight.
CREATE TABLE insights.day_marks (
    day date NOT NULL,
    kind_no integer NOT NULL,
    place integer NOT NULL,
    player integer NOT NULL,
    first_ms integer NOT NULL CHECK (first_ms BETWEEN 0 AND 86399999),
    last_ms integer NOT NULL CHECK (last_ms BETWEEN first_ms AND 86399999),
    PRIMARY KEY (day, kind_no, place, player)
);

-- The same for days that are over: all players of a row in one value, 4 bytes a number, least byte first, in the order of their
-- numbers; times has first and last of each. What comes late for such a day is in day_marks until it is packed too.
CREATE TABLE insights.day_packs (
    day date NOT NULL,
    kind_no integer NOT NULL,
    place integer NOT NULL,
    players bytea NOT NULL,
    times bytea NOT NULL CHECK (octet_length(times) = 2 * octet_length(players)),
    PRIMARY KEY (day, kind_no, place)
);

ALTER TABLE insights.day_packs ALTER COLUMN players SET STORAGE EXTERNAL, ALTER COLUMN times SET STORAGE EXTERNAL;

CREATE TABLE insights.kind_days (
    day date NOT NULL,
    place integer NOT NULL,
    kind_no integer NOT NULL,
    source text NOT NULL,
    events bigint NOT NULL CHECK (events > 0),
    PRIMARY KEY (day, place, kind_no, source)
);

-- A run of a game client. opened_at is made of the id (its time, where it tells one), so a session is found without looking
-- through all chunks.
CREATE TABLE insights.sessions (
    opened_at timestamptz NOT NULL,
    session_id uuid NOT NULL,
    player integer,
    place integer NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL CHECK (ended_at >= started_at),
    events bigint NOT NULL,
    errors bigint NOT NULL,
    disconnects bigint NOT NULL
);

-- A day: concurrency by the minute reads the days before its range too, and drops out by the chunk.
SELECT create_hypertable('insights.sessions', by_range('opened_at', INTERVAL '1 day'), create_default_indexes => false);
CREATE UNIQUE INDEX sessions_once ON insights.sessions (session_id, opened_at);

-- Sessions by the day they began on. lengths is a histogram: see muster-store, insights::sketch.
CREATE TABLE insights.session_days (
    day date NOT NULL,
    place integer NOT NULL,
    sessions bigint NOT NULL,
    total_ms bigint NOT NULL,
    errors bigint NOT NULL,
    disconnects bigint NOT NULL,
    with_error bigint NOT NULL,
    with_disconnect bigint NOT NULL,
    lengths bigint[] NOT NULL,
    PRIMARY KEY (day, place)
);

-- How long sessions ran in each hour: divided by the hour, how many ran at once, on average.
CREATE TABLE insights.session_hours (
    hour timestamptz NOT NULL,
    place integer NOT NULL,
    active_ms bigint NOT NULL,
    PRIMARY KEY (hour, place)
);

CREATE TABLE insights.matches (
    ended_at timestamptz NOT NULL,
    match_id uuid NOT NULL,
    mode text,
    queue text,
    place integer NOT NULL,
    outcome text NOT NULL,
    duration_ms bigint,
    -- Whether the first seat won; none where the game has no seats, or nobody won.
    first_won boolean
);

-- A week: a few hundred thousand rows at the size that this is made for.
SELECT create_hypertable('insights.matches', by_range('ended_at', INTERVAL '7 days'), create_default_indexes => false);
CREATE UNIQUE INDEX matches_once ON insights.matches (match_id, ended_at);

CREATE TABLE insights.match_days (
    day date NOT NULL,
    place integer NOT NULL,
    mode text,
    queue text,
    outcome text NOT NULL,
    matches bigint NOT NULL,
    first_wins bigint NOT NULL,
    second_wins bigint NOT NULL,
    timed bigint NOT NULL,
    total_ms bigint NOT NULL,
    durations bigint[] NOT NULL,
    UNIQUE NULLS NOT DISTINCT (day, place, mode, queue, outcome)
);

-- Tickets by the hour they ended in, and by the day: each ticket is in both, so that a month need not be added up hour by hour.
-- waits and qualities are histograms of those that matched.
CREATE TABLE insights.queue_facts (
    begins_at timestamptz NOT NULL,
    hours smallint NOT NULL CHECK (hours IN (1, 24)),
    queue text NOT NULL,
    place integer NOT NULL,
    tickets bigint NOT NULL,
    players bigint NOT NULL,
    matched bigint NOT NULL,
    cancelled bigint NOT NULL,
    expired bigint NOT NULL,
    failed bigint NOT NULL,
    wait_total_ms bigint NOT NULL,
    quality_total double precision NOT NULL,
    waits bigint[] NOT NULL,
    qualities bigint[] NOT NULL
);

-- Thirty days: a row an hour, queue and place is little.
SELECT create_hypertable('insights.queue_facts', by_range('begins_at', INTERVAL '30 days'), create_default_indexes => false);
CREATE UNIQUE INDEX queue_facts_once ON insights.queue_facts (hours, begins_at, queue, place);

-- What the platform itself counts, once a minute.
CREATE TABLE insights.samples (
    minute timestamptz NOT NULL,
    players_online bigint NOT NULL,
    tickets_waiting bigint NOT NULL,
    matches_running bigint NOT NULL
);

SELECT create_hypertable('insights.samples', by_range('minute', INTERVAL '30 days'), create_default_indexes => false);
CREATE UNIQUE INDEX samples_once ON insights.samples (minute);
