-- Not all have accepted: tickets with a player who declined, or did not answer in time, leave the queue; the rest return to its
-- head, and so does the wish of the running match they would have joined. Who had not answered when another declined still had
-- the time to.
--
-- ARGV  1 match id   2 shard   3 now, ms
-- returns the tickets as they are now; none when there is no such proposal
local proposal = P .. 'proposal:' .. ARGV[1]
local asked = redis.call('HMGET', proposal, 'shard', 'tickets', 'backfill', 'backfill_id', 'backfill_of', 'accept_by')
if asked[1] ~= ARGV[2] then return {} end
local late = tonumber(ARGV[3]) > tonumber(asked[6])

local answer = {}
for id in string.gmatch(asked[2], '%S+') do
  local key = P .. 'ticket:' .. id
  local fields = redis.call('HMGET', key, 'players', 'ticket')
  local reason
  for player in string.gmatch(fields[1], '%S+') do
    local said = redis.call('HGET', proposal, player)
    if said == 'declined' then
      reason = 'declined'
    elseif late and not said then
      reason = reason or 'not_accepted'
    end
  end
  redis.call('HDEL', key, 'match')
  if reason then
    over(id, fields[1], ARGV[3], 'failed', 'reason', reason)
  else
    local ticket = returned(fields[2])
    redis.call('HSET', key, 'state', 'waiting', 'ticket', ticket)
    into_pool(ARGV[2], id, ticket)
  end
  answer[#answer + 1] = (read(id))
end
-- A match that asked anew meanwhile has told how it stands now.
if asked[3] and redis.call('EXISTS', P .. 'backfill:' .. asked[5]) == 0 then
  backfill_waits(ARGV[2], asked[4], asked[5], asked[3])
end
redis.call('ZREM', P .. 'proposals:' .. ARGV[2], ARGV[1])
redis.call('DEL', proposal, P .. 'plan:' .. ARGV[1])
return answer
