-- The first answer to a write that came with an Idempotency-Key, so that the same request gets it again and is not
-- carried out twice. Saved by the transaction that carried it out; forgotten after a day.
-- sealed: the answer with the fingerprint of its request (an answer may hold a new token, a request credentials).
CREATE TABLE kept_answer (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  caller text NOT NULL,
  key text NOT NULL,
  sealed bytea NOT NULL,
  made_at timestamptz NOT NULL,
  UNIQUE (caller, key)
);
CREATE INDEX kept_answer_age ON kept_answer (made_at);
