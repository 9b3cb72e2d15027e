-- Numbers the pushes to one player and keeps them for a player who comes back.
--
-- KEYS  1 what the player's keys begin with
-- ARGV  1.. the pushes (JSON), in order
-- returns {the number of the last; those before it have the numbers before, the inbox of who has the player's socket or nil}
--
-- Numbers begin at the time in ms, not at 1: should Redis lose them, the next ones are still higher than all that any
-- client has seen, and nobody takes a new push for an old one.
local last, latest, count = KEYS[1] .. 'seq', KEYS[1] .. 'latest', #ARGV
local seq = redis.call('INCRBY', last, count)
if seq == count then
  local now = redis.call('TIME')
  seq = tonumber(now[1] .. string.format('%03d', math.floor(now[2] / 1000))) + count
  redis.call('SET', last, string.format('%.0f', seq))
end
redis.call('EXPIRE', last, SEQ_SECS)

-- As `message` in mod.rs writes them: what is kept is what goes out.
local texts = {}
for i = 1, count do
  texts[i] = '{"type":"push","seq":' .. string.format('%.0f', seq - count + i) .. ',"push":' .. ARGV[i] .. '}'
end
if redis.call('RPUSH', latest, unpack(texts)) > KEPT then redis.call('LTRIM', latest, -KEPT, -1) end
redis.call('EXPIRE', latest, KEPT_SECS)
return {seq, redis.call('GET', KEYS[1] .. 'at')}
