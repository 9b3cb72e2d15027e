-- Numbers a socket of a player, and says that the player is online.
--
-- KEYS  1 the sorted set of presence
-- ARGV  1 what the players' keys begin with, 2 the player, 3 now (ms), 4 how long the number is kept (s)
-- returns the number
--
-- The number is the time in µs, or one more than the newest socket's: so it grows even when two come in one moment or the clock
-- steps back, and also when Redis has forgotten the one before.
local key = ARGV[1] .. ARGV[2]
local now = redis.call('TIME')
local number = math.max(now[1] * 1000000 + now[2], tonumber(redis.call('GET', key) or 0) + 1)
redis.call('SET', key, string.format('%.0f', number), 'EX', ARGV[4])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
return number
