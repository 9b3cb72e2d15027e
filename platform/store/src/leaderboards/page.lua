-- A part of a board: its offset, how many stand on the board, then player and score by turns.
-- ARGV: how many at most; then, to go on after somebody, their score and player.
local from = 0
if ARGV[2] then
  from = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[2])
  local past = from + redis.call('ZCOUNT', KEYS[1], ARGV[2], ARGV[2])
  -- Players of the same score stand in the order of their ids.
  while from < past do
    local middle = math.floor((from + past) / 2)
    if redis.call('ZRANGE', KEYS[1], middle, middle)[1] <= ARGV[3] then
      from = middle + 1
    else
      past = middle
    end
  end
end
local part = redis.call('ZRANGE', KEYS[1], from, from + ARGV[1] - 1, 'WITHSCORES')
table.insert(part, 1, redis.call('ZCARD', KEYS[1]))
table.insert(part, 1, from)
return part
