-- Asks all players of a match whether they accept it: their tickets leave the pool, or none of them does. For ARGV see `take`.
--
-- returns {"claimed", ticket (JSON), names (JSON), players, ..}, or {"lost", ids of those that do not wait in this shard (any more)}
local ids, found, wish = take(ARGV[3], 7)
if not ids then return found end
local players = 0
for i, id in ipairs(ids) do
  redis.call('HSET', P .. 'ticket:' .. id, 'state', 'proposed', 'match', ARGV[1])
  local _, count = string.gsub(found[3 * i], '%S+', '')
  players = players + count
end
local proposal = P .. 'proposal:' .. ARGV[1]
redis.call('HSET', proposal, 'shard', ARGV[3], 'accept_by', ARGV[2], 'players', players, 'accepted', 0,
  'tickets', table.concat(ids, ' '))
if wish then redis.call('HSET', proposal, 'backfill', wish, 'backfill_id', ARGV[4], 'backfill_of', ARGV[5]) end
redis.call('SET', P .. 'plan:' .. ARGV[1], ARGV[6])
redis.call('ZADD', P .. 'proposals:' .. ARGV[3], ARGV[2], ARGV[1])
return {'claimed', unpack(found)}
