-- A claimed ticket has its match: the player is free, the ticket stays readable for a while.
--
-- KEYS  1 all claims, by time   2 the ticket   3 the player's live ticket
-- ARGV  1 ticket id   2 match id   3 how long it stays readable, seconds   4 now, ms
-- returns the ticket's fields; none when it is not known (any more). A ticket that is not claimed for this match is left alone.
local found = redis.call('HMGET', KEYS[2], 'state', 'match')
if found[1] == 'claimed' and found[2] == ARGV[2] then
  redis.call('HSET', KEYS[2], 'state', 'matched', 'ended_at', ARGV[4])
  redis.call('HDEL', KEYS[2], 'claimed_at')
  redis.call('EXPIRE', KEYS[2], ARGV[3])
  redis.call('ZREM', KEYS[1], ARGV[1])
  if redis.call('GET', KEYS[3]) == ARGV[1] then redis.call('DEL', KEYS[3]) end
end
return redis.call('HGETALL', KEYS[2])
