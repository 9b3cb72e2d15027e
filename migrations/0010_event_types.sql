-- What events of each kind say, and what becomes of them. Every version stays; the newest counts.
CREATE TABLE telemetry.event_types (
    name text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    definition jsonb NOT NULL,
    author text NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (name, version)
);

-- The measures of the newest versions, for the transaction that stores events.
CREATE TABLE telemetry.measures (
    kind text NOT NULL,
    measure text NOT NULL,
    PRIMARY KEY (kind, measure)
);

-- Sources from which nothing is taken.
CREATE TABLE telemetry.closed_sources (
    source text PRIMARY KEY CHECK (source IN ('client', 'trusted')),
    author text NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    closed_at timestamptz NOT NULL
);
