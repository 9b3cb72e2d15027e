-- New tickets of one shard: each for all its players or for none, one live ticket per player. Those of one call share their reads
-- and writes; no two of them have the same player or the same idempotency key.
--
-- ARGV  1 shard   then by ticket: id, ticket (JSON), names (JSON), idempotency key with its owner or "", how many players, their ids
-- returns those that were not made: {its place in the call, "repeated", that ticket}, or {its place in the call, "exists", the
-- player whose it is, that ticket}
local shard, last = ARGV[1], #ARGV

-- What has to be looked up, in the order in which it is come by again: a ticket's key, if it has one, then its players.
local asked, at = {}, 2
while at < last do
  if ARGV[at + 3] ~= '' then asked[#asked + 1] = P .. 'key:' .. ARGV[at + 3] end
  local first = at + 5
  at = first + tonumber(ARGV[at + 4])
  for i = first, at - 1 do asked[#asked + 1] = P .. 'player:' .. ARGV[i] end
end
local found = redis.call('MGET', unpack(asked))

local refused, live, pool, tickets = {}, {}, {}, {}
local place, looked = 0, 0
at = 2
while at < last do
  local id, ticket, key, from, first = ARGV[at], ARGV[at + 1], ARGV[at + 3], looked + 1, at + 5
  local next = first + tonumber(ARGV[at + 4])
  local no
  if key ~= '' then
    looked = looked + 1
    local same = found[looked] and read(found[looked])
    if same then no = {place, 'repeated', same} end
  end
  for i = first, next - 1 do
    looked = looked + 1
    local other = not no and found[looked] and read(found[looked])
    if other then no = {place, 'exists', ARGV[i], other} end
  end
  if no then
    refused[#refused + 1] = no
  else
    local players = ARGV[first]
    if next - first > 1 then players = table.concat(ARGV, ' ', first, next - 1) end
    redis.call('HSET', P .. 'ticket:' .. id, 'shard', shard, 'state', 'waiting', 'players', players, 'ticket', ticket,
      'names', ARGV[at + 2], 'key', key)
    for i = from, looked do
      live[#live + 1] = asked[i]
      live[#live + 1] = id
    end
    pool[#pool + 1] = id
    pool[#pool + 1] = ticket
    tickets[#tickets + 1] = ticket
  end
  place, at = place + 1, next
end
if #tickets > 0 then
  redis.call('MSET', unpack(live))
  redis.call('HSET', P .. 'pool:' .. shard, unpack(pool))
  changed(shard, 'added', '[' .. table.concat(tickets, ',') .. ']')
end
return refused
