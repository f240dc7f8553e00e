-- A key's part in its provider's calls. Not bound into the seal: it says how often, not what.
ALTER TABLE sealed_keys ADD COLUMN weight INTEGER NOT NULL DEFAULT 1;
