-- Ends a waiting ticket: cancelled by its player, or expired.
--
-- KEYS  1 the ticket   2 the player's live ticket   3 the queue's pool   4 the queue's revision   5 the queue's changes
-- ARGV  1 ticket id   2 the state it gets   3 how long it stays readable, seconds   4 how many changes are kept   5 now, ms
-- returns {"finished" | "late", fields}, or {"unknown", {}}
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return {'unknown', {}} end
if state ~= 'waiting' then return {'late', redis.call('HGETALL', KEYS[1])} end

redis.call('HSET', KEYS[1], 'state', ARGV[2], 'ended_at', ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[3])
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[4], redis.call('INCR', KEYS[4]) .. '-0', 'removed', ARGV[1])
return {'finished', redis.call('HGETALL', KEYS[1])}
