-- A player accepts or declines the match that is proposed to their ticket.
--
-- ARGV  1 ticket id   2 player id   3 `accepted` or `declined`   4 now, ms
-- returns {"recorded" | "late", the ticket as it is now}, or {"unknown"}: this player has no such ticket
local found = redis.call('HMGET', P .. 'ticket:' .. ARGV[1], 'state', 'shard', 'match', 'players')
if not found[1] or not string.find(found[4], ARGV[2], 1, true) then return {'unknown'} end
local counts = found[1] == 'proposed' and vote(found[2], found[3], ARGV[2], ARGV[3], ARGV[4])
return {counts and 'recorded' or 'late', (read(ARGV[1]))}
