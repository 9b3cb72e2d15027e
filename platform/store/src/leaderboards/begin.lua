-- A board begins to be built; ARGV[1] tells this building from every other. Whoever was at one before is out.
redis.call('UNLINK', KEYS[1] .. ':next', KEYS[1] .. ':next:versions')
return redis.call('HSET', KEYS[1] .. ':state', 'building', ARGV[1])
