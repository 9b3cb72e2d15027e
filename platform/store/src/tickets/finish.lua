-- Ends a waiting ticket: given up, expired, or failed. To give up a proposed one is to decline for it.
--
-- ARGV  1 ticket id   2 the player who gives it up, or ""   3 the state it gets   4 why   5 now, ms   6 "1" when it is given up
-- returns {"finished" | "declined" | "late", the ticket as it is now}, or {"unknown"}
local id = ARGV[1]
local found = redis.call('HMGET', P .. 'ticket:' .. id, 'state', 'shard', 'match', 'players')
if not found[1] or not string.find(found[4], ARGV[2], 1, true) then return {'unknown'} end

local outcome = 'late'
if found[1] == 'waiting' then
  out_of_pool(found[2], {id})
  over(id, found[4], ARGV[5], ARGV[3], 'reason', ARGV[4])
  outcome = 'finished'
elseif found[1] == 'proposed' and ARGV[6] == '1' then
  local player = ARGV[2]
  if player == '' then player = string.match(found[4], '%S+') end
  if vote(found[2], found[3], player, 'declined', ARGV[5]) then outcome = 'declined' end
end
return {outcome, (read(id))}
