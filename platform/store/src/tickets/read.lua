-- A ticket as it is now.
--
-- ARGV  1 `ticket` or `player`   2 the id of a ticket, or of a player whose live ticket it is
-- returns {fields, fields of its proposal, estimate}; nil when there is none
local id = ARGV[2]
if ARGV[1] == 'player' then id = redis.call('GET', P .. 'player:' .. id) end
return id and (read(id))
