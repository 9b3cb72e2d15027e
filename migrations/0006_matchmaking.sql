-- Whom a player never plays with or against. Gone with either account.
CREATE TABLE player.blocks (
    player_id uuid NOT NULL REFERENCES player.accounts ON DELETE CASCADE,
    blocked_id uuid NOT NULL REFERENCES player.accounts ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (player_id, blocked_id),
    CHECK (player_id <> blocked_id)
);

-- For the cascade of the second account.
CREATE INDEX blocks_blocked ON player.blocks (blocked_id);

-- The keys of trusted servers. The secret itself is known to its holder only.
CREATE TABLE play.service_keys (
    service_key_id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name ~ '^[a-z0-9-]{1,64}$'),
    secret_hash bytea NOT NULL UNIQUE CHECK (octet_length(secret_hash) = 32),
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE UNIQUE INDEX service_keys_name ON play.service_keys (name) WHERE revoked_at IS NULL;

-- Matches that wait for a server of the game's own, and where they are played. They are forgotten some time after they are
-- closed: the history of matches is elsewhere.
CREATE TABLE play.assignments (
    match_id uuid PRIMARY KEY,
    queue text NOT NULL,
    shard_group text NOT NULL,
    region text,
    teams jsonb NOT NULL,
    quality double precision NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    backfill_of uuid,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'assigned', 'refused', 'expired')),
    connection text CHECK (char_length(connection) BETWEEN 1 AND 256),
    reason text CHECK (char_length(reason) BETWEEN 1 AND 256),
    decided_at timestamptz,
    closed_at timestamptz,
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK ((state = 'assigned') = (connection IS NOT NULL)),
    CHECK ((state = 'refused') = (reason IS NOT NULL)),
    CHECK (state <> 'open' OR closed_at IS NULL)
);

CREATE INDEX assignments_open ON play.assignments (created_at, match_id) WHERE state = 'open';
CREATE INDEX assignments_decided ON play.assignments (queue, shard_group, decided_at) WHERE state <> 'open' AND closed_at IS NULL;
CREATE INDEX assignments_closed ON play.assignments (closed_at) WHERE closed_at IS NOT NULL;
