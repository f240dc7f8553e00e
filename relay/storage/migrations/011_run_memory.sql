-- The most that a run ever took in memory, for whoever reads it back. Of those that are here already
-- nobody has noted it: the most that a run's state may take.
ALTER TABLE runs ADD COLUMN memory_bytes INTEGER NOT NULL DEFAULT 33554432;
