CREATE SCHEMA player;

CREATE TABLE player.accounts (
    player_id uuid PRIMARY KEY,
    display_name text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 32),
    created_at timestamptz NOT NULL,
    signed_in_at timestamptz NOT NULL
);

-- A device signs in with a secret that only it knows; this is the secret's SHA-256.
CREATE TABLE player.devices (
    device_hash bytea PRIMARY KEY CHECK (octet_length(device_hash) = 32),
    player_id uuid NOT NULL REFERENCES player.accounts ON DELETE CASCADE,
    created_at timestamptz NOT NULL
);

CREATE INDEX devices_player ON player.devices (player_id);

-- The only link between a player and their telemetry. Deleting the row is what makes telemetry anonymous, so nothing
-- else may hold both ids, and subject_id is wholly random (it must not tell when the account was made).
CREATE TABLE player.subjects (
    subject_id uuid PRIMARY KEY,
    player_id uuid NOT NULL UNIQUE REFERENCES player.accounts ON DELETE CASCADE
);
