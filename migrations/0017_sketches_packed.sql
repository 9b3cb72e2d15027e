-- Histograms of sums as bytes: only buckets that hold something, 6 bytes each (number of the bucket, from 0, in two, and how many in four,
-- both signed and most significant byte first). Entries of one bucket add up, and so do the two columns: what is in the array of
-- bigint counts as before, and a process of the version before, which knows only arrays, may write it until it has gone.
ALTER TABLE insights.match_days ADD COLUMN durations_packed bytea NOT NULL DEFAULT '';
ALTER TABLE insights.match_slices ADD COLUMN durations_packed bytea NOT NULL DEFAULT '';
ALTER TABLE insights.queue_facts
    ADD COLUMN waits_packed bytea NOT NULL DEFAULT '',
    ADD COLUMN qualities_packed bytea NOT NULL DEFAULT '';
ALTER TABLE insights.queue_slices
    ADD COLUMN waits_packed bytea NOT NULL DEFAULT '',
    ADD COLUMN qualities_packed bytea NOT NULL DEFAULT '';

CREATE FUNCTION insights.sketch_packed(counts bigint[]) RETURNS bytea
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(string_agg(int2send((bucket - 1)::smallint) || int4send(count::integer), ''::bytea ORDER BY bucket), '')
    FROM unnest(counts) WITH ORDINALITY AS kept (count, bucket)
    WHERE count <> 0
$$;

-- What questions of many days read: some ten thousand rows a month. Hours stay as they are, and are read so.
UPDATE insights.match_days SET durations_packed = insights.sketch_packed(durations), durations = '{}';
UPDATE insights.match_slices SET durations_packed = insights.sketch_packed(durations), durations = '{}';
UPDATE insights.queue_facts
SET waits_packed = insights.sketch_packed(waits), waits = '{}', qualities_packed = insights.sketch_packed(qualities), qualities = '{}'
WHERE hours = 24;
UPDATE insights.queue_slices
SET waits_packed = insights.sketch_packed(waits), waits = '{}', qualities_packed = insights.sketch_packed(qualities), qualities = '{}'
WHERE hours = 24;

DROP FUNCTION insights.sketch_packed;
