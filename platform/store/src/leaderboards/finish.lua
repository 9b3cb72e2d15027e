-- What was built takes the board's place. ARGV: the building, the run of Redis that it began in, the time in ms. 0 when it is not
-- the one that is at it.
local board = KEYS[1]
local state = board .. ':state'
if redis.call('HGET', state, 'building') ~= ARGV[1] then
  return 0
end
-- Unlinked first: to free a long board at once would keep Redis from other work.
redis.call('UNLINK', board, board .. ':versions')
if redis.call('EXISTS', board .. ':next') == 1 then
  redis.call('RENAME', board .. ':next', board)
  redis.call('RENAME', board .. ':next:versions', board .. ':versions')
end
redis.call('HDEL', state, 'building')
redis.call('HSET', state, 'whole', ARGV[2], 'made_at', ARGV[3])
return 1
