-- Asks all players of a match whether they accept it: their tickets leave the pool, or none of them does.
--
-- ARGV  1 match id   2 until when to accept, ms   3 shard   4 backfill id, or ""   5 the backfill's match, or ""   6 plan
--       7.. the tickets' ids
-- returns {"claimed", ticket (JSON), names (JSON), players, ..}, or {"lost", ids of those that do not wait in this shard (any more)}
local ids = {}
for i = 7, #ARGV do ids[#ids + 1] = ARGV[i] end
local found, wish = find(ARGV[3], ids, ARGV[4])
if not found then return wish end

local players = 0
for i, id in ipairs(ids) do
  redis.call('HSET', P .. 'ticket:' .. id, 'state', 'proposed', 'match', ARGV[1])
  local _, count = string.gsub(found[3 * i], '%S+', '')
  players = players + count
end
out_of_pool(ARGV[3], ids)
local proposal = P .. 'proposal:' .. ARGV[1]
redis.call('HSET', proposal, 'shard', ARGV[3], 'accept_by', ARGV[2], 'players', players, 'accepted', 0,
  'tickets', table.concat(ids, ' '))
if wish then
  backfill_gone(ARGV[3], ARGV[4], ARGV[5])
  redis.call('HSET', proposal, 'backfill', wish, 'backfill_id', ARGV[4], 'backfill_of', ARGV[5])
end
redis.call('SET', P .. 'plan:' .. ARGV[1], ARGV[6])
redis.call('ZADD', P .. 'proposals:' .. ARGV[3], ARGV[2], ARGV[1])
return {'claimed', unpack(found)}
