-- Claims all tickets of a match, or none. For ARGV see `take`.
--
-- returns {"claimed", ticket (JSON), names (JSON), players, ..}, or {"lost", ids of those that do not wait in this shard (any more)}
local ids, found = take(ARGV[3], 7)
if not ids then return found end
local scores = {}
for i, id in ipairs(ids) do
  redis.call('HSET', P .. 'ticket:' .. id, 'state', 'claimed', 'match', ARGV[1], 'claimed_at', ARGV[2])
  scores[#scores + 1] = ARGV[2]
  scores[#scores + 1] = id
end
redis.call('ZADD', P .. 'claimed', unpack(scores))
return {'claimed', unpack(found)}
