-- Puts standings on the board that is being built. ARGV[1]: the building; then see `put`. 0 when it is not the one that is at it.
if redis.call('HGET', KEYS[1] .. ':state', 'building') ~= ARGV[1] then
  return 0
end
put(KEYS[1] .. ':next', 2)
return 1
