-- Who first named a place and when, and when it was last named: nobody alone uses up the places there may be, and those that nobody
-- names any more give theirs back. 0 is nobody whom we know; NULL is the platform itself, or a trusted server.
ALTER TABLE insights.places
    ADD COLUMN made_by integer,
    ADD COLUMN made_on date NOT NULL DEFAULT CURRENT_DATE,
    ADD COLUMN used_on date NOT NULL DEFAULT CURRENT_DATE;

-- Since when every event of its kind is counted in its sums: a recount compares from there on.
ALTER TABLE telemetry.measures
    ADD COLUMN since timestamptz NOT NULL DEFAULT now();
