-- The player's last number; made when there is none, so that the first push after it is the next one.
--
-- KEYS  1 what the player's keys begin with
-- returns the number; it begins at the time in ms, for the reason that send.lua tells
local last = KEYS[1] .. 'seq'
local now = redis.call('TIME')
redis.call('SET', last, now[1] .. string.format('%03d', math.floor(now[2] / 1000)), 'NX')
redis.call('EXPIRE', last, SEQ_SECS)
return redis.call('GET', last)
