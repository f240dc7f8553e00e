-- What of a budget was drawn in leases (relay/limits/budget_lease.hpp): never more than its limit,
-- except by what a call cost beyond its bound.
CREATE TABLE budget_draws (
  subject           TEXT NOT NULL,     -- "player:ada"
  period            TEXT NOT NULL,     -- "2026-11-27" or "2026-11"
  drawn_picodollars INTEGER NOT NULL,
  PRIMARY KEY (subject, period)
) STRICT, WITHOUT ROWID;

-- A line for each attempt at a model that went out.
CREATE TABLE model_calls (
  id                 INTEGER PRIMARY KEY,
  ended_ms           INTEGER NOT NULL,
  request_id         TEXT NOT NULL,
  tenant             TEXT NOT NULL,
  who                TEXT NOT NULL,
  target             TEXT NOT NULL,
  key_name           TEXT NOT NULL,
  outcome            TEXT NOT NULL,     -- ok, or the failure's class
  input_tokens       INTEGER NOT NULL,  -- cached_read and cache_write among them
  cached_read_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  output_tokens      INTEGER NOT NULL,  -- reasoning among them
  reasoning_tokens   INTEGER NOT NULL,
  cost_picodollars   INTEGER NOT NULL,
  estimated          INTEGER NOT NULL,  -- 1: the provider reported no usage
  first_token_ms     INTEGER NOT NULL,
  duration_ms        INTEGER NOT NULL
) STRICT;
CREATE INDEX model_calls_by_who ON model_calls (who, ended_ms);
