-- A new ticket: one live ticket per player, for all its players or for none.
--
-- ARGV  1 ticket id   2 shard   3 ticket (JSON)   4 names (JSON)   5 idempotency key with its owner, or ""   6.. the players' ids
-- returns {"created"}, {"repeated", that ticket}, or {"exists", the player whose it is, that ticket}
local id, shard = ARGV[1], ARGV[2]
local keys, live = {}, {}
for i = 6, #ARGV do
  keys[#keys + 1] = P .. 'player:' .. ARGV[i]
  live[#live + 1] = keys[#keys]
  live[#live + 1] = id
end
local players = #keys
if ARGV[5] ~= '' then keys[players + 1] = P .. 'key:' .. ARGV[5] end
local found = redis.call('MGET', unpack(keys))

if found[players + 1] then
  local same = read(found[players + 1])
  if same then return {'repeated', same} end
end
for i = 1, players do
  if found[i] then
    local other = read(found[i])
    if other then return {'exists', ARGV[5 + i], other} end
  end
end

redis.call('HSET', P .. 'ticket:' .. id, 'shard', shard, 'state', 'waiting', 'players', table.concat(ARGV, ' ', 6),
  'ticket', ARGV[3], 'names', ARGV[4])
redis.call('MSET', unpack(live))
if ARGV[5] ~= '' then redis.call('SET', keys[players + 1], id, 'EX', KEY_SECS) end
into_pool(shard, id, ARGV[3])
return {'created'}
