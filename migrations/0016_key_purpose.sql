-- What a service key opens: the calls of a game's own servers, or those that run the platform. Keys of before were for games.
ALTER TABLE play.service_keys
    ADD COLUMN purpose text NOT NULL DEFAULT 'game' CHECK (purpose IN ('game', 'operations'));
