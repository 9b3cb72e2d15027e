CREATE SCHEMA staff;

CREATE TABLE staff.members (
    staff_id uuid PRIMARY KEY,
    email text NOT NULL,
    display_name text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'support', 'operator', 'admin')),
    -- argon2 in its PHC text form.
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL,
    disabled_at timestamptz
);

CREATE UNIQUE INDEX members_email ON staff.members (lower(email));

-- The token itself is known to its holder only.
CREATE TABLE staff.sessions (
    token_hash bytea PRIMARY KEY CHECK (octet_length(token_hash) = 32),
    staff_id uuid NOT NULL REFERENCES staff.members,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    closed_at timestamptz
);

CREATE INDEX sessions_of_member ON staff.sessions (staff_id) WHERE closed_at IS NULL;

-- audit_id is a UUIDv7: its order is the order of time.
CREATE TABLE staff.audit (
    audit_id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('staff', 'system')),
    actor text NOT NULL,
    action text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    target text,
    reason text,
    outcome text NOT NULL CHECK (outcome IN ('succeeded', 'denied', 'failed')),
    details jsonb NOT NULL
);

-- How often did this sign-in fail of late?
CREATE INDEX audit_sign_ins ON staff.audit (target, at) WHERE action = 'staff.sign_in';

CREATE FUNCTION staff.audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'staff.audit is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE ON staff.audit
    FOR EACH ROW EXECUTE FUNCTION staff.audit_is_append_only();
CREATE TRIGGER audit_table_stays BEFORE TRUNCATE ON staff.audit
    FOR EACH STATEMENT EXECUTE FUNCTION staff.audit_is_append_only();
