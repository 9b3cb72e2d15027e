-- Which match does a player play? A settled match has points after it, so this holds only those that run, however many a player
-- has played. Not CONCURRENTLY: that waits for all who wait for the lock of the migrations, and they for it.
CREATE INDEX IF NOT EXISTS match_players_running ON play.match_players (player_id) WHERE points_after IS NULL;
