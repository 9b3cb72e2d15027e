-- Servers of games that have registered themselves, to be given matches. One that has ended (lost or gone) is forgotten some time
-- later. Heartbeats change rows in place: no index names a column that they write.
CREATE TABLE play.servers (
    server_id uuid PRIMARY KEY,
    service_key_id uuid NOT NULL REFERENCES play.service_keys,
    address text NOT NULL CHECK (char_length(address) BETWEEN 1 AND 256),
    region text,
    build text,
    labels jsonb NOT NULL,
    queues text[] NOT NULL,
    capacity integer NOT NULL CHECK (capacity BETWEEN 1 AND 1000),
    -- How many matches it has now: whoever allocates counts here, under the row's lock, and never past the capacity.
    matches integer NOT NULL DEFAULT 0 CHECK (matches BETWEEN 0 AND capacity),
    load_percent smallint CHECK (load_percent BETWEEN 0 AND 100),
    state text NOT NULL DEFAULT 'starting' CHECK (state IN ('starting', 'ready', 'draining', 'lost', 'gone')),
    registered_at timestamptz NOT NULL,
    lease_until timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK ((state IN ('lost', 'gone')) = (ended_at IS NOT NULL)),
    CHECK (ended_at IS NULL OR matches = 0)
) WITH (fillfactor = 70);

CREATE INDEX servers_living ON play.servers (server_id) WHERE ended_at IS NULL;
CREATE INDEX servers_ended ON play.servers (ended_at) WHERE ended_at IS NOT NULL;

-- Matches on these servers, running and over: their history stays when the server is forgotten.
CREATE TABLE play.server_matches (
    match_id uuid PRIMARY KEY,
    server_id uuid NOT NULL,
    address text NOT NULL,
    queue text NOT NULL,
    region text,
    ranked boolean NOT NULL,
    quality double precision NOT NULL,
    teams smallint NOT NULL CHECK (teams > 0),
    -- Counts from 1; players who join later make the next one. What the server knows of is below.
    roster integer NOT NULL DEFAULT 1 CHECK (roster > 0),
    roster_known integer NOT NULL DEFAULT 0 CHECK (roster_known BETWEEN 0 AND roster),
    state text NOT NULL DEFAULT 'allocated' CHECK (state IN ('allocated', 'running', 'ended')),
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    reason text CHECK (reason IN ('finished', 'abandoned', 'server_lost', 'never_started', 'overdue')),
    -- What the server reported, as it did: another report of the same is known by it.
    report jsonb,
    -- From when on somebody has to tell players and telemetry of the end; none before the end, and when it is done.
    tell_at timestamptz,
    CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
    CHECK ((state = 'ended') = (reason IS NOT NULL)),
    CHECK (state = 'ended' OR tell_at IS NULL),
    CHECK (state <> 'running' OR started_at IS NOT NULL)
);

CREATE INDEX server_matches_running ON play.server_matches (server_id, created_at) WHERE state <> 'ended';
CREATE INDEX server_matches_untold ON play.server_matches (tell_at) WHERE tell_at IS NOT NULL;
CREATE INDEX server_matches_newest ON play.server_matches (created_at DESC, match_id DESC);

-- No reference to player.accounts, as in play.match_players.
CREATE TABLE play.server_match_players (
    match_id uuid NOT NULL REFERENCES play.server_matches ON DELETE CASCADE,
    player_id uuid NOT NULL,
    team smallint NOT NULL CHECK (team >= 0),
    role text,
    joined_at timestamptz,
    -- Set by the server that says so, and for all at the end of the match.
    left_at timestamptz,
    points_before double precision,
    deviation_before double precision,
    points_after double precision,
    deviation_after double precision,
    PRIMARY KEY (match_id, player_id)
);

CREATE INDEX server_match_players_playing ON play.server_match_players (player_id) WHERE left_at IS NULL;
CREATE INDEX server_match_players_player ON play.server_match_players (player_id, match_id);

-- How strong players are in ranked queues without a built-in mode: these are ladders of their own.
CREATE TABLE play.queue_ratings (
    player_id uuid NOT NULL,
    queue text NOT NULL,
    points double precision NOT NULL,
    deviation double precision NOT NULL CHECK (deviation > 0),
    matches integer NOT NULL DEFAULT 0 CHECK (matches >= 0),
    wins integer NOT NULL DEFAULT 0 CHECK (wins BETWEEN 0 AND matches),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (player_id, queue)
);

-- Which registered server a match was given to; none when somebody answered by hand.
ALTER TABLE play.assignments ADD COLUMN server_id uuid;
