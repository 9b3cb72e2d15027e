-- The part of a board around a player, as page.lua answers; nothing when the player does not stand on it.
-- ARGV: player, how many on either side.
local at = redis.call('ZRANK', KEYS[1], ARGV[1])
if not at then
  return {}
end
local from = math.max(0, at - ARGV[2])
local part = redis.call('ZRANGE', KEYS[1], from, at + ARGV[2], 'WITHSCORES')
table.insert(part, 1, redis.call('ZCARD', KEYS[1]))
table.insert(part, 1, from)
return part
