-- A match asks no more.
--
-- ARGV  1 match id
-- returns the wish it had (JSON); nil when it had none
local live = redis.call('GET', P .. 'backfill:' .. ARGV[1])
if not live then return false end
local shard, id = string.match(live, '^(%S+) (%S+)$')
local backfill = redis.call('HGET', P .. 'backfills:' .. shard, id)
backfill_gone(shard, id, ARGV[1])
return backfill
