-- Provider keys, sealed (relay/auth/vault.hpp). Everything but last_used_ms is bound into the seal.
CREATE TABLE sealed_keys (
  name          TEXT PRIMARY KEY,
  provider      TEXT NOT NULL,
  version       INTEGER NOT NULL,  -- counts the rotations of this key, from 1
  master_key_id TEXT NOT NULL,
  fingerprint   TEXT NOT NULL,
  created_ms    INTEGER NOT NULL,  -- of this version
  nonce         BLOB NOT NULL,
  sealed        BLOB NOT NULL,     -- ciphertext and tag
  last_used_ms  INTEGER
) STRICT, WITHOUT ROWID;
