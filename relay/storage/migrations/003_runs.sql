-- Runs of workflows (relay/runs): each with the definition that it began with, and its history in
-- the pieces in which it grew. A piece is written before what follows from it is done.
CREATE TABLE runs (
  id         TEXT NOT NULL PRIMARY KEY,
  owner      TEXT NOT NULL,      -- who started or imported it: "player:ada"
  tenant     TEXT NOT NULL,
  anonymous  INTEGER NOT NULL,
  workflow   TEXT NOT NULL,      -- the definition's name
  definition TEXT NOT NULL,      -- canonical JSON
  started_ms INTEGER NOT NULL,
  ended_ms   INTEGER NOT NULL    -- 0: it is under way, or parked
) STRICT, WITHOUT ROWID;
CREATE INDEX runs_by_owner ON runs (owner, started_ms);

CREATE TABLE run_pieces (
  run    TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  frames BLOB NOT NULL,
  PRIMARY KEY (run, number)
) STRICT, WITHOUT ROWID;

-- Signatures of this relay over its runs, which come back with them.
CREATE TABLE run_signing_keys (
  id     TEXT NOT NULL PRIMARY KEY,
  secret BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Which epochs of a run were imported here: none is imported twice.
CREATE TABLE run_epochs (
  owner TEXT NOT NULL,
  run   TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  PRIMARY KEY (owner, run, epoch)
) STRICT, WITHOUT ROWID;
