-- A running match asks for players: one wish per match.
--
-- ARGV  1 backfill id   2 match id   3 shard   4 backfill (JSON)   5 how many wishes a shard has at most
-- returns {"opened"}, {"exists", shard, that wish (JSON)}, or {"full"}
local live = redis.call('GET', P .. 'backfill:' .. ARGV[2])
if live then
  local shard, id = string.match(live, '^(%S+) (%S+)$')
  return {'exists', shard, redis.call('HGET', P .. 'backfills:' .. shard, id)}
end
if redis.call('HLEN', P .. 'backfills:' .. ARGV[3]) >= tonumber(ARGV[5]) then return {'full'} end
backfill_waits(ARGV[3], ARGV[1], ARGV[2], ARGV[4])
return {'opened'}
