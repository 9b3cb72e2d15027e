-- Puts standings on a board, and on the one that is being built to take its place. ARGV: see `put`.
put(KEYS[1], 1)
if redis.call('HEXISTS', KEYS[1] .. ':state', 'building') == 1 then
  put(KEYS[1] .. ':next', 1)
end
return 1
