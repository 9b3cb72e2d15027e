-- Claims the tickets of matches: of each match all, or none. Those of one call share what they write to their shard.
--
-- ARGV  1 now, ms   2 shard   then by match: its id, backfill id or "", the backfill's match or "", how many tickets, their ids
-- returns by match {"claimed", ticket (JSON), names (JSON), players, ..}, or {"lost", ids of those that do not wait in this shard
-- (any more)}
local now, shard = ARGV[1], ARGV[2]
local answers, taken, scores = {}, {}, {}
local at = 3
while at <= #ARGV do
  local match, wish, wish_of, ids = ARGV[at], ARGV[at + 1], ARGV[at + 2], {}
  local last = at + 3 + tonumber(ARGV[at + 3])
  for i = at + 4, last do ids[#ids + 1] = ARGV[i] end
  at = last + 1

  local found, lost = find(shard, ids, wish)
  if found then
    for _, id in ipairs(ids) do
      -- At once, so that no other match of this call finds it waiting.
      redis.call('HSET', P .. 'ticket:' .. id, 'state', 'claimed', 'match', match, 'claimed_at', now)
      taken[#taken + 1] = id
      scores[#scores + 1] = now
      scores[#scores + 1] = id
    end
    if wish ~= '' then backfill_gone(shard, wish, wish_of) end
    answers[#answers + 1] = {'claimed', unpack(found)}
  else
    answers[#answers + 1] = lost
  end
end
if #taken > 0 then
  out_of_pool(shard, taken)
  redis.call('ZADD', P .. 'claimed', unpack(scores))
end
return answers
