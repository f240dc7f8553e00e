-- A run belongs to {tenant, owner}, and its id is its owner's: two owners may have runs of one id.
-- The definition is a row of its own, so that an event does not write it again.
CREATE TABLE owned_runs (
  tenant     TEXT NOT NULL,
  owner      TEXT NOT NULL,
  id         TEXT NOT NULL,
  limits     TEXT NOT NULL,      -- canonical JSON: of the token that it was begun with
  workflow   TEXT NOT NULL,      -- the definition's name
  status     TEXT NOT NULL,      -- as it was stored last; '': not known
  started_ms INTEGER NOT NULL,
  ended_ms   INTEGER NOT NULL,   -- 0: it is under way, or parked
  bytes      INTEGER NOT NULL,   -- of its definition and its pieces
  root       TEXT NOT NULL,      -- the run that this one descends from, by steps and handoffs
  depth      INTEGER NOT NULL,   -- of runs in runs
  taking_up  INTEGER NOT NULL,   -- 1: it is being read back; 2: the relay ended over that
  PRIMARY KEY (tenant, owner, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_definitions (
  tenant     TEXT NOT NULL,
  owner      TEXT NOT NULL,
  run        TEXT NOT NULL,
  definition TEXT NOT NULL,      -- canonical JSON
  PRIMARY KEY (tenant, owner, run),
  FOREIGN KEY (tenant, owner, run) REFERENCES owned_runs (tenant, owner, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE owned_run_pieces (
  tenant TEXT NOT NULL,
  owner  TEXT NOT NULL,
  run    TEXT NOT NULL,
  number INTEGER NOT NULL,
  frames BLOB NOT NULL,
  PRIMARY KEY (tenant, owner, run, number),
  FOREIGN KEY (tenant, owner, run) REFERENCES owned_runs (tenant, owner, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE owned_run_epochs (
  tenant TEXT NOT NULL,
  owner  TEXT NOT NULL,
  run    TEXT NOT NULL,
  epoch  INTEGER NOT NULL,
  PRIMARY KEY (tenant, owner, run, epoch)
) STRICT, WITHOUT ROWID;

-- How many runs a run has led to: its children, theirs, and those that they handed over to.
CREATE TABLE run_families (
  tenant TEXT NOT NULL,
  owner  TEXT NOT NULL,
  root   TEXT NOT NULL,
  runs   INTEGER NOT NULL,
  PRIMARY KEY (tenant, owner, root)
) STRICT, WITHOUT ROWID;

INSERT INTO owned_runs
  SELECT tenant, owner, id, '{}', workflow, '', started_ms, ended_ms,
         length(CAST(definition AS BLOB)) + coalesce(
           (SELECT sum(length(frames)) FROM run_pieces WHERE run = runs.id), 0),
         id, 0, 0
  FROM runs;
INSERT INTO run_definitions SELECT tenant, owner, id, definition FROM runs;
INSERT INTO owned_run_pieces
  SELECT runs.tenant, runs.owner, run_pieces.run, number, frames
  FROM run_pieces JOIN runs ON runs.id = run_pieces.run;
-- Epochs of runs that are gone say no tenant: they count for every tenant that its owner has here.
INSERT INTO owned_run_epochs
  SELECT DISTINCT runs.tenant, run_epochs.owner, run_epochs.run, epoch
  FROM run_epochs JOIN runs ON runs.owner = run_epochs.owner;
INSERT OR IGNORE INTO owned_run_epochs
  SELECT CASE WHEN owner LIKE 'anonymous:%' THEN 'anonymous' ELSE 'default' END, owner, run, epoch
  FROM run_epochs;

DROP TABLE run_pieces;
DROP TABLE run_epochs;
DROP TABLE runs;
ALTER TABLE owned_runs RENAME TO runs;
ALTER TABLE owned_run_pieces RENAME TO run_pieces;
ALTER TABLE owned_run_epochs RENAME TO run_epochs;
-- Everything that a sum over an owner's runs reads.
CREATE INDEX runs_by_owner ON runs (tenant, owner, started_ms, ended_ms, bytes);
CREATE INDEX runs_by_root ON runs (tenant, owner, root);
-- Those that a start looks for.
CREATE INDEX runs_under_way ON runs (tenant, owner, id) WHERE ended_ms = 0;
CREATE INDEX runs_taking_up ON runs (taking_up) WHERE taking_up > 0;
