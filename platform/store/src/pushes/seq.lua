-- The player's last number; made when there is none, so that the first push after it is the next one.
--
-- KEYS  1 the player's last number
-- ARGV  1 how long the number is kept, seconds
-- returns the number; it begins at the time in ms, for the reason that send.lua tells
local now = redis.call('TIME')
redis.call('SET', KEYS[1], now[1] .. string.format('%03d', math.floor(now[2] / 1000)), 'NX')
redis.call('EXPIRE', KEYS[1], ARGV[1])
return redis.call('GET', KEYS[1])
