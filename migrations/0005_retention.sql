CREATE SCHEMA retention;

CREATE TABLE retention.policies (
    name text PRIMARY KEY,
    table_name text NOT NULL,
    keep_secs bigint NOT NULL CHECK (keep_secs > 0),
    enabled boolean NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE retention.jobs (
    job_id uuid PRIMARY KEY,
    kind text NOT NULL,
    dedup_key text,
    payload jsonb NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'dead')),
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL CHECK (max_attempts > 0),
    run_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    -- A worker holds the job until leased_until under this token; whoever takes the job later gets another one.
    lease_token uuid,
    leased_until timestamptz,
    worker text,
    finished_at timestamptz,
    last_error text,
    result jsonb,
    CHECK ((state = 'running') = (lease_token IS NOT NULL)),
    CHECK ((state = 'running') = (leased_until IS NOT NULL)),
    CHECK ((state IN ('done', 'dead')) = (finished_at IS NOT NULL))
);

-- One unfinished job a kind and key.
CREATE UNIQUE INDEX jobs_dedup ON retention.jobs (kind, dedup_key) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_due ON retention.jobs (run_at, job_id) WHERE state IN ('queued', 'running');
