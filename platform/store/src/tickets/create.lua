-- One live ticket per player.
--
-- KEYS  1 the player's live ticket   2 the idempotency key's ticket   3 the new ticket
--       4 the queue's pool           5 the queue's revision           6 the queue's changes   7 the names of queues
-- ARGV  1 ticket id   2 player id   3 queue   4 ticket (JSON)   5 "1" when KEYS[2] counts   6 what all ticket keys begin with
--       7 how long an idempotency key is kept, seconds   8 how many changes are kept
-- returns {"created", {}}, or {"repeated" | "exists", fields of that ticket}
if ARGV[5] == '1' then
  local same = redis.call('GET', KEYS[2])
  if same then
    local fields = redis.call('HGETALL', ARGV[6] .. same)
    if #fields > 0 then return {'repeated', fields} end
  end
end

local live = redis.call('GET', KEYS[1])
if live then
  local fields = redis.call('HGETALL', ARGV[6] .. live)
  if #fields > 0 then return {'exists', fields} end
end

redis.call('HSET', KEYS[3], 'queue', ARGV[3], 'state', 'waiting', 'ticket', ARGV[4])
redis.call('SET', KEYS[1], ARGV[1])
if ARGV[5] == '1' then redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[7]) end
redis.call('SADD', KEYS[7], ARGV[3])
redis.call('HSET', KEYS[4], ARGV[1], ARGV[4])
redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[8], redis.call('INCR', KEYS[5]) .. '-0', 'added', ARGV[4])
return {'created', {}}
