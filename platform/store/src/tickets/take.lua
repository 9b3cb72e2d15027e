-- What claims and proposals share: all tickets leave the pool, and the backfill's wish with them, or nothing does. The caller
-- writes the tickets' new state.
--
-- ARGV  1 match id   2 now, or until when to accept, ms   3 shard   4 backfill id, or ""   5 the backfill's match, or ""
--       6 plan, or ""   7.. the tickets' ids
-- returns the ids and {ticket (JSON), names (JSON), players, ticket, names, players, ..}; or nil, and what does not wait
local function take(shard, first)
  local ids, found, lost = {}, {}, {'lost'}
  for i = first, #ARGV do
    local fields = redis.call('HMGET', P .. 'ticket:' .. ARGV[i], 'state', 'shard', 'ticket', 'names', 'players')
    if fields[1] == 'waiting' and fields[2] == shard then
      ids[#ids + 1] = ARGV[i]
      for field = 3, 5 do found[#found + 1] = fields[field] end
    else
      lost[#lost + 1] = ARGV[i]
    end
  end
  local wish = ARGV[4] ~= '' and redis.call('HGET', P .. 'backfills:' .. shard, ARGV[4])
  if #lost > 1 or (ARGV[4] ~= '' and not wish) then return nil, lost end
  out_of_pool(shard, ids)
  if wish then backfill_gone(shard, ARGV[4], ARGV[5]) end
  return ids, found, wish
end
