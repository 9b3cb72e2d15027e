-- A claimed ticket has its match: its players are free, the ticket stays readable for a while.
--
-- ARGV  1 ticket id   2 match id   3 now, ms   4 the players' ids, with blanks between
-- returns {"settled"}; or {"other", the ticket as it is}: one that is not claimed for this match is left alone
local found = redis.call('HMGET', P .. 'ticket:' .. ARGV[1], 'state', 'match')
if found[1] ~= 'claimed' or found[2] ~= ARGV[2] then return {'other', (read(ARGV[1]))} end

over(ARGV[1], ARGV[4], ARGV[3], 'matched')
redis.call('ZREM', P .. 'claimed', ARGV[1])
return {'settled'}
