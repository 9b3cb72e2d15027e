-- A claimed ticket gets no match: it waits again, as long as it had waited before.
--
-- KEYS  1 all claims, by time   2 the ticket   3 the queue's pool   4 the queue's revision   5 the queue's changes
-- ARGV  1 ticket id   2 match id   3 how many changes are kept
-- returns the ticket's fields; none when it is not known (any more). A ticket that is not claimed for this match is left alone.
local found = redis.call('HMGET', KEYS[2], 'state', 'match', 'ticket')
if found[1] == 'claimed' and found[2] == ARGV[2] then
  redis.call('HSET', KEYS[2], 'state', 'waiting')
  redis.call('HDEL', KEYS[2], 'match', 'claimed_at')
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HSET', KEYS[3], ARGV[1], found[3])
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[3], redis.call('INCR', KEYS[4]) .. '-0', 'added', found[3])
end
return redis.call('HGETALL', KEYS[2])
