-- Attempts at a model that are under way, each with what its line in model_calls says if the process
-- dies before it has written one: the bounds that were reserved. Empty after an end in order.
CREATE TABLE open_calls (
  id               INTEGER PRIMARY KEY,  -- of the reservation, one process's
  opened_ms        INTEGER NOT NULL,
  request_id       TEXT NOT NULL,
  tenant           TEXT NOT NULL,
  who              TEXT NOT NULL,
  target           TEXT NOT NULL,
  key_name         TEXT NOT NULL,
  input_tokens     INTEGER NOT NULL,
  output_tokens    INTEGER NOT NULL,
  cost_picodollars INTEGER NOT NULL
) STRICT;
