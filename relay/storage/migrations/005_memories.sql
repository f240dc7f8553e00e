-- What agents remember (relay/services/runs/memory_store): each entry belongs to one owner of runs.
CREATE TABLE memories (
  tenant TEXT NOT NULL,
  owner  TEXT NOT NULL,      -- "player:ada"
  id     INTEGER NOT NULL,
  entry  TEXT NOT NULL,      -- canonical JSON
  PRIMARY KEY (tenant, owner, id)
) STRICT, WITHOUT ROWID;
