-- What a run waits for, so that one that only waits need not be in memory.
ALTER TABLE runs ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;    -- 1: for its owner or its clock alone
ALTER TABLE runs ADD COLUMN wake_ms INTEGER NOT NULL DEFAULT 0;  -- its clock's next time; 0: none
CREATE INDEX runs_to_wake ON runs (wake_ms) WHERE waits = 1 AND wake_ms > 0;
