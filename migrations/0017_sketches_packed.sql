-- Histograms of sums as bytes: only buckets that hold something, 6 bytes each (number of the bucket, from 0, in two, and how many in four,
-- both signed and most significant byte first). Entries of one bucket add up, and so do the two columns: what is in the array of
-- bigint counts as before, and a process of the version before, which knows only arrays, may read and write it until it has gone.
ALTER TABLE insights.match_days ADD COLUMN durations_packed bytea NOT NULL DEFAULT '';
ALTER TABLE insights.match_slices ADD COLUMN durations_packed bytea NOT NULL DEFAULT '';
ALTER TABLE insights.queue_facts
    ADD COLUMN waits_packed bytea NOT NULL DEFAULT '',
    ADD COLUMN qualities_packed bytea NOT NULL DEFAULT '';
ALTER TABLE insights.queue_slices
    ADD COLUMN waits_packed bytea NOT NULL DEFAULT '',
    ADD COLUMN qualities_packed bytea NOT NULL DEFAULT '';
