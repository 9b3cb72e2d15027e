-- Numbers a push and keeps it for a player who comes back.
--
-- KEYS  1 the player's last number   2 the player's latest pushes
-- ARGV  1 the push (JSON)   2 how many are kept   3 for how long, seconds   4 how long the number is kept, seconds
-- returns {number, the whole message as it goes over the socket}
--
-- Numbers begin at the time in ms, not at 1: should Redis lose them, the next ones are still higher than all that any
-- client has seen, and nobody takes a new push for an old one.
if redis.call('EXISTS', KEYS[1]) == 0 then
  local now = redis.call('TIME')
  redis.call('SET', KEYS[1], now[1] .. string.format('%03d', math.floor(now[2] / 1000)))
end
local seq = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[4])

local text = '{"type":"push","seq":' .. string.format('%.0f', seq) .. ',"push":' .. ARGV[1] .. '}'
redis.call('RPUSH', KEYS[2], text)
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[2]), -1)
redis.call('EXPIRE', KEYS[2], ARGV[3])
return {seq, text}
