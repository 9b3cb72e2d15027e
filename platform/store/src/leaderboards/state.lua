-- How a board is. ARGV[1]: the run of Redis. Returns whether it is whole (all of PostgreSQL's ratings were put on it in this run,
-- no half of it was lost, and nobody has asked for another), whether one is being built, and when it was made, in ms.
local state = KEYS[1] .. ':state'
local of = redis.call('HMGET', state, 'whole', 'building', 'made_at')
local halves = redis.call('ZCARD', KEYS[1]) == redis.call('HLEN', KEYS[1] .. ':versions')
return {of[1] == ARGV[1] and halves and 1 or 0, of[2] and 1 or 0, of[3]}
