CREATE SCHEMA play;

-- Every version stays: a match can be explained by the rules that made it.
CREATE TABLE play.queues (
    queue text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    definition jsonb NOT NULL,
    author text NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (queue, version)
);

CREATE TABLE play.matches (
    match_id uuid PRIMARY KEY,
    queue text NOT NULL,
    mode text NOT NULL,
    ranked boolean NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finished')),
    commitment bytea NOT NULL CHECK (octet_length(commitment) = 32),
    quality double precision NOT NULL,
    created_at timestamptz NOT NULL,
    -- The rest is known when the match is over, and only then: the seed would tell every roll to come.
    seed bytea CHECK (octet_length(seed) = 32),
    ended_at timestamptz,
    outcome jsonb,
    version bigint NOT NULL DEFAULT 0,
    CHECK ((state = 'finished') = (seed IS NOT NULL)),
    CHECK ((state = 'finished') = (ended_at IS NOT NULL)),
    CHECK ((state = 'finished') = (outcome IS NOT NULL))
);

CREATE INDEX matches_newest ON play.matches (created_at DESC, match_id DESC);
CREATE INDEX matches_of_mode ON play.matches (mode, created_at DESC, match_id DESC);
CREATE INDEX matches_running ON play.matches (created_at, match_id) WHERE state = 'running';
CREATE INDEX matches_ended ON play.matches (ended_at) WHERE state = 'finished';

-- No reference to player.accounts: erasing a player must not take the other player's history along.
CREATE TABLE play.match_players (
    match_id uuid NOT NULL REFERENCES play.matches ON DELETE CASCADE,
    seat smallint NOT NULL CHECK (seat IN (0, 1)),
    player_id uuid NOT NULL,
    display_name text NOT NULL,
    points_before double precision NOT NULL,
    deviation_before double precision NOT NULL,
    points_after double precision,
    deviation_after double precision,
    PRIMARY KEY (match_id, seat)
);

CREATE INDEX match_players_player ON play.match_players (player_id, match_id);

CREATE TABLE play.match_events (
    match_id uuid NOT NULL REFERENCES play.matches ON DELETE CASCADE,
    seq bigint NOT NULL CHECK (seq > 0),
    at timestamptz NOT NULL,
    event jsonb NOT NULL,
    PRIMARY KEY (match_id, seq)
);

CREATE TABLE play.ratings (
    player_id uuid NOT NULL,
    mode text NOT NULL,
    points double precision NOT NULL,
    deviation double precision NOT NULL CHECK (deviation > 0),
    matches integer NOT NULL DEFAULT 0 CHECK (matches >= 0),
    wins integer NOT NULL DEFAULT 0 CHECK (wins BETWEEN 0 AND matches),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (player_id, mode)
);

-- Finished matches counted as they settle, in the same transaction, so that a dashboard need not count the table.
CREATE TABLE play.match_totals (
    mode text PRIMARY KEY,
    finished bigint NOT NULL CHECK (finished >= 0)
);
