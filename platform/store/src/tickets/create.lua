-- New tickets: each for all its players or for none, one live ticket per player. Those of one call share their reads and writes.
--
-- ARGV  by ticket: id, shard, ticket (JSON), names (JSON), idempotency key with its owner or "", how many players, their ids
-- returns by ticket {"created"}, {"repeated", that ticket}, or {"exists", the player whose it is, that ticket}
local new, keys = {}, {}
local at = 1
while at <= #ARGV do
  local one = {id = ARGV[at], shard = ARGV[at + 1], ticket = ARGV[at + 2], names = ARGV[at + 3], players = {}}
  if ARGV[at + 4] ~= '' then
    one.key = P .. 'key:' .. ARGV[at + 4]
    keys[#keys + 1] = one.key
  end
  local first = at + 6
  at = first + tonumber(ARGV[at + 5])
  for i = first, at - 1 do
    one.players[#one.players + 1] = ARGV[i]
    keys[#keys + 1] = P .. 'player:' .. ARGV[i]
  end
  new[#new + 1] = one
end

-- What is known under each of the keys; grows as tickets are made, so that two of one call cannot have the same player.
local known = {}
for i, id in ipairs(redis.call('MGET', unpack(keys))) do known[keys[i]] = id end

local function refusal(one)
  local same = one.key and known[one.key] and read(known[one.key])
  if same then return {'repeated', same} end
  for _, player in ipairs(one.players) do
    local live = known[P .. 'player:' .. player]
    local other = live and read(live)
    if other then return {'exists', player, other} end
  end
end

local answers, live, shards, coming = {}, {}, {}, {}
for n, one in ipairs(new) do
  answers[n] = refusal(one)
  if not answers[n] then
    answers[n] = {'created'}
    redis.call('HSET', P .. 'ticket:' .. one.id, 'shard', one.shard, 'state', 'waiting', 'players',
      table.concat(one.players, ' '), 'ticket', one.ticket, 'names', one.names)
    for _, player in ipairs(one.players) do
      local key = P .. 'player:' .. player
      known[key] = one.id
      live[#live + 1] = key
      live[#live + 1] = one.id
    end
    if one.key then
      known[one.key] = one.id
      redis.call('SET', one.key, one.id, 'EX', KEY_SECS)
    end
    if not coming[one.shard] then
      coming[one.shard] = {pool = {}, tickets = {}}
      shards[#shards + 1] = one.shard
    end
    local pool, tickets = coming[one.shard].pool, coming[one.shard].tickets
    pool[#pool + 1] = one.id
    pool[#pool + 1] = one.ticket
    tickets[#tickets + 1] = one.ticket
  end
end
if #live > 0 then redis.call('MSET', unpack(live)) end
for _, shard in ipairs(shards) do
  redis.call('HSET', P .. 'pool:' .. shard, unpack(coming[shard].pool))
  changed(shard, 'added', '[' .. table.concat(coming[shard].tickets, ',') .. ']')
end
return answers
