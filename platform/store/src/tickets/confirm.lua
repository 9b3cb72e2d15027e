-- All have accepted: the proposal becomes a claim.
--
-- ARGV  1 match id   2 shard   3 now, ms
-- returns {ticket (JSON), names (JSON), players, ..}; nil when there is no such proposal, or somebody has not accepted
local proposal = P .. 'proposal:' .. ARGV[1]
local asked = redis.call('HMGET', proposal, 'shard', 'players', 'accepted', 'tickets')
if asked[1] ~= ARGV[2] or asked[2] ~= asked[3] then return false end

local answer, scores = {}, {}
for id in string.gmatch(asked[4], '%S+') do
  local fields = redis.call('HMGET', P .. 'ticket:' .. id, 'ticket', 'names', 'players')
  for field = 1, 3 do answer[#answer + 1] = fields[field] end
  scores[#scores + 1] = ARGV[3]
  scores[#scores + 1] = id
  redis.call('HSET', P .. 'ticket:' .. id, 'state', 'claimed', 'claimed_at', ARGV[3], 'accepted', '1')
end
redis.call('ZADD', P .. 'claimed', unpack(scores))
redis.call('ZREM', P .. 'proposals:' .. ARGV[2], ARGV[1])
redis.call('DEL', proposal, P .. 'plan:' .. ARGV[1])
return answer
