-- Standings in ARGV from `from` on: player, score, version, and so on. What a board knows of a later match stays.
local function put(board, from)
  local versions = board .. ':versions'
  for i = from, #ARGV, 3 do
    local known = redis.call('HGET', versions, ARGV[i])
    if not known or tonumber(known) <= tonumber(ARGV[i + 2]) then
      redis.call('HSET', versions, ARGV[i], ARGV[i + 2])
      redis.call('ZADD', board, ARGV[i + 1], ARGV[i])
    end
  end
end
