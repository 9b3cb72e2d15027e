-- A player, or all of a ticket's players at once, accept or decline the match that is proposed to it.
--
-- ARGV  1 ticket id   2 player id, or "" for all of its players   3 `accepted` or `declined`   4 now, ms
-- returns {"recorded" | "late", the ticket as it is now}, or {"unknown"}: this player has no such ticket
local found = redis.call('HMGET', P .. 'ticket:' .. ARGV[1], 'state', 'shard', 'match', 'players')
if not found[1] or not string.find(found[4], ARGV[2], 1, true) then return {'unknown'} end
local who = ARGV[2]
if who == '' then who = found[4] end
local counts = found[1] == 'proposed'
for player in string.gmatch(who, '%S+') do
  counts = counts and vote(found[2], found[3], player, ARGV[3], ARGV[4])
end
return {counts and 'recorded' or 'late', (read(ARGV[1]))}
