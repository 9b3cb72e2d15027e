-- Regions in which a queue, or every queue (NULL), takes nobody. What was is in the audit log.
CREATE TABLE play.closures (
    queue text,
    region text NOT NULL CHECK (region ~ '^[a-z0-9-]{1,32}$'),
    author_kind text NOT NULL CHECK (author_kind IN ('staff', 'system')),
    author text NOT NULL,
    reason text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 500),
    closed_at timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (region, queue)
);
