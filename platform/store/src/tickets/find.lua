-- What claims and proposals share: whether all tickets wait, and the wish with them, if there is one. Nothing is changed yet.
--
-- `wish` is a backfill's id, or ""
-- returns {ticket (JSON), names (JSON), players, ticket, names, players, ..} and the wish (JSON) or false; or nil, and what does
-- not wait: {"lost", ids}
local function find(shard, ids, wish)
  local found, lost = {}, {'lost'}
  for _, id in ipairs(ids) do
    local fields = redis.call('HMGET', P .. 'ticket:' .. id, 'state', 'shard', 'ticket', 'names', 'players')
    if fields[1] == 'waiting' and fields[2] == shard then
      for field = 3, 5 do found[#found + 1] = fields[field] end
    else
      lost[#lost + 1] = id
    end
  end
  local backfill = wish ~= '' and redis.call('HGET', P .. 'backfills:' .. shard, wish)
  if #lost > 1 or (wish ~= '' and not backfill) then return nil, lost end
  return found, backfill
end
