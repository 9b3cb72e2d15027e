-- Takes a player's socket out, and the player with it, unless a newer socket has them.
--
-- KEYS  1 the sorted set of presence
-- ARGV  1 what the players' keys begin with, 2 the player, 3 the socket's number
-- returns 1 when the player is gone, 0 when they have a newer socket
local key = ARGV[1] .. ARGV[2]
local newest = redis.call('GET', key)
if newest and tonumber(newest) > tonumber(ARGV[3]) then return 0 end
redis.call('DEL', key)
redis.call('ZREM', KEYS[1], ARGV[2])
return 1
