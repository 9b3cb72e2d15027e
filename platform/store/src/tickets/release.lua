-- A claimed ticket gets no match: it waits again, before others, as long as it had waited before.
--
-- ARGV  1 ticket id   2 match id
-- returns {"released"}; or {"other", the ticket as it is}: one that is not claimed for this match is left alone
local key = P .. 'ticket:' .. ARGV[1]
local found = redis.call('HMGET', key, 'state', 'match', 'shard', 'ticket')
if found[1] ~= 'claimed' or found[2] ~= ARGV[2] then return {'other', (read(ARGV[1]))} end

local ticket = returned(found[4])
redis.call('HSET', key, 'state', 'waiting', 'ticket', ticket)
redis.call('HDEL', key, 'match', 'claimed_at', 'accepted')
redis.call('ZREM', P .. 'claimed', ARGV[1])
into_pool(found[3], ARGV[1], ticket)
return {'released'}
