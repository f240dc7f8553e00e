-- A run's state as it was after one of its pieces, the last that was taken: a run is read back from
-- it and the pieces after it. A run without one is read from its first piece on. runs.bytes counts
-- it, too.
CREATE TABLE run_snapshots (
  tenant   TEXT NOT NULL,
  owner    TEXT NOT NULL,
  run      TEXT NOT NULL,
  seq      INTEGER NOT NULL,     -- events before it
  piece    INTEGER NOT NULL,     -- the last one before it
  snapshot BLOB NOT NULL,
  PRIMARY KEY (tenant, owner, run),
  FOREIGN KEY (tenant, owner, run) REFERENCES runs (tenant, owner, id) ON DELETE CASCADE
) STRICT;
