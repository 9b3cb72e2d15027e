-- Claimed tickets have their match: their players are free, the tickets stay readable for a while.
--
-- ARGV  1 now, ms   then by ticket: its id, match id, how many players, their ids
-- returns by ticket {"settled"}; or {"other", the ticket as it is}: one that is not claimed for this match is left alone
local answers, settled, lives, whose = {}, {}, {}, {}
local at = 2
while at <= #ARGV do
  local id, last = ARGV[at], at + 2 + tonumber(ARGV[at + 2])
  local key = P .. 'ticket:' .. id
  local found = redis.call('HMGET', key, 'state', 'match', 'key')
  if found[1] == 'claimed' and found[2] == ARGV[at + 1] then
    redis.call('HSET', key, 'state', 'matched', 'ended_at', ARGV[1])
    readable_for_a_while(key, found[3])
    settled[#settled + 1] = id
    for i = at + 3, last do
      lives[#lives + 1] = P .. 'player:' .. ARGV[i]
      whose[#whose + 1] = id
    end
    answers[#answers + 1] = {'settled'}
  else
    answers[#answers + 1] = {'other', (read(id))}
  end
  at = last + 1
end
if #settled > 0 then
  local free = {}
  for i, live in ipairs(redis.call('MGET', unpack(lives))) do
    if live == whose[i] then free[#free + 1] = lives[i] end
  end
  if #free > 0 then redis.call('DEL', unpack(free)) end
  redis.call('ZREM', P .. 'claimed', unpack(settled))
end
return answers
