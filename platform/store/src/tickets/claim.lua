-- Claims all tickets of a proposal, or none.
--
-- KEYS  1 all claims, by time   2 the queue's pool   3 the queue's revision   4 the queue's changes   5.. the tickets
-- ARGV  1 match id   2 now, ms   3 queue   4 how many changes are kept   5.. the tickets' ids, in the order of their keys
-- returns {"claimed", fields, fields, ..}, or {"lost", ids of those that do not wait in this queue (any more)}
local first = 5
local lost = {}
for i = first, #KEYS do
  local found = redis.call('HMGET', KEYS[i], 'state', 'queue')
  if found[1] ~= 'waiting' or found[2] ~= ARGV[3] then lost[#lost + 1] = ARGV[i] end
end
if #lost > 0 then return {'lost', lost} end

local answer = {'claimed'}
for i = first, #KEYS do
  redis.call('HSET', KEYS[i], 'state', 'claimed', 'match', ARGV[1], 'claimed_at', ARGV[2])
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ARGV[4], redis.call('INCR', KEYS[3]) .. '-0', 'removed', ARGV[i])
  answer[#answer + 1] = redis.call('HGETALL', KEYS[i])
end
return answer
