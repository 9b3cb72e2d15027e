-- A player's answer to a proposal, as answers and cancellations give it. The first no stands; a yes may still become a no.
-- `proposals:<shard>` has the moment at which a proposal is to be decided: when all have accepted, or one has not, at once.
--
-- returns whether it counts
local function vote(shard, match, player, answer, now)
  local proposal = P .. 'proposal:' .. match
  local found = redis.call('HMGET', proposal, 'accept_by', 'players', player)
  if not found[1] or tonumber(now) > tonumber(found[1]) then return false end
  if found[3] == answer then return true end
  if found[3] == 'declined' then return false end
  redis.call('HSET', proposal, player, answer)
  local decided = answer == 'declined'
  if answer == 'accepted' then
    decided = redis.call('HINCRBY', proposal, 'accepted', 1) == tonumber(found[2])
  elseif found[3] == 'accepted' then
    redis.call('HINCRBY', proposal, 'accepted', -1)
  end
  if decided then redis.call('ZADD', P .. 'proposals:' .. shard, 0, match) end
  return true
end
