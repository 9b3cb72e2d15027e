-- What the scripts of tickets share; it stands before each of them, and before it the numbers CHANGES_KEPT and READABLE_SECS.
-- All keys begin with KEYS[1], which holds the hash tag: they are in one slot, so the scripts name them by themselves.
local P = KEYS[1]

-- Numbers a change to a shard and keeps it for the shard's leader. The numbers have no holes: that is how a leader sees a gap.
local function changed(shard, what, value)
  local revision = redis.call('INCR', P .. 'revision:' .. shard)
  redis.call('XADD', P .. 'changes:' .. shard, 'MAXLEN', '~', CHANGES_KEPT, string.format('%.0f-0', revision), what, value)
  if revision == 1 then redis.call('SADD', P .. 'shards', shard) end
end

-- A ticket is in the pool (again).
local function into_pool(shard, id, ticket)
  redis.call('HSET', P .. 'pool:' .. shard, id, ticket)
  changed(shard, 'added', ticket)
end

-- These tickets are not in the pool any more.
local function out_of_pool(shard, ids)
  redis.call('HDEL', P .. 'pool:' .. shard, unpack(ids))
  changed(shard, 'removed', table.concat(ids, ' '))
end

-- A ticket's JSON, saying that it goes before others. Nothing a player writes can look like the mark: in their texts the
-- quotes are escaped, and their properties are no booleans.
local function returned(ticket)
  if string.find(ticket, '"returned":true', 1, true) then return ticket end
  return '{"returned":true,' .. string.sub(ticket, 2)
end

-- A ticket that is over can be read for a while, under its id and under the idempotency key that it was made with, if it was.
local function readable_for_a_while(ticket, key)
  redis.call('EXPIRE', ticket, READABLE_SECS)
  if key and key ~= '' then redis.call('EXPIRE', P .. 'key:' .. key, READABLE_SECS) end
end

-- A ticket is over: its players are free, it stays readable for a while. `players` are their ids with blanks between.
local function over(id, players, now, state, ...)
  local key = P .. 'ticket:' .. id
  redis.call('HSET', key, 'state', state, 'ended_at', now, ...)
  readable_for_a_while(key, redis.call('HGET', key, 'key'))
  for player in string.gmatch(players, '%S+') do
    local live = P .. 'player:' .. player
    if redis.call('GET', live) == id then redis.call('DEL', live) end
  end
end

-- A ticket as it is now: {its fields, the fields of its proposal, the shard's estimate}; false when it is not known. And its
-- state.
local function read(id)
  local key = P .. 'ticket:' .. id
  local found = redis.call('HMGET', key, 'state', 'match', 'shard')
  if not found[1] then return false end
  local proposal, estimate = {}, false
  if found[1] == 'proposed' then proposal = redis.call('HGETALL', P .. 'proposal:' .. found[2]) end
  if found[1] == 'waiting' then estimate = redis.call('GET', P .. 'estimate:' .. found[3]) end
  return {redis.call('HGETALL', key), proposal, estimate}, found[1]
end

-- A running match's wish waits (again).
local function backfill_waits(shard, id, match, backfill)
  redis.call('SET', P .. 'backfill:' .. match, shard .. ' ' .. id)
  redis.call('HSET', P .. 'backfills:' .. shard, id, backfill)
  changed(shard, 'backfill_added', backfill)
end

-- It does not wait any more.
local function backfill_gone(shard, id, match)
  redis.call('DEL', P .. 'backfill:' .. match)
  redis.call('HDEL', P .. 'backfills:' .. shard, id)
  changed(shard, 'backfill_removed', id)
end
