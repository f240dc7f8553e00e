-- Answers of models that may be given again (relay/upstream/answer_store.hpp), where the operator
-- lets them outlive the process. Neither who asked nor what is written, only its digest.
CREATE TABLE kept_answers (
  id       INTEGER PRIMARY KEY,
  key      BLOB NOT NULL UNIQUE,  -- SHA-256 of tenant and request
  until_ms INTEGER NOT NULL,      -- since 1970; older ones are never given
  answer   BLOB NOT NULL          -- as relay/upstream/kept_answer.hpp writes it
) STRICT;
CREATE INDEX kept_answers_by_until ON kept_answers (until_ms);
