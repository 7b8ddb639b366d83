-- The node on duty: it alone does what must not be done twice (watch, read back, canary, heartbeat), until then at most.
CREATE TABLE duty (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  node uuid NOT NULL,
  until timestamptz NOT NULL
);
ALTER TABLE node ADD COLUMN name text NOT NULL DEFAULT '', ADD COLUMN version text NOT NULL DEFAULT '';

-- When the watch told of an alarm by itself, since nobody could be seen to have got it through the outbox.
ALTER TABLE alarm ADD COLUMN direct_at timestamptz, ADD COLUMN direct_to text NOT NULL DEFAULT '';

-- One canary page: asked for, seen created (or not) at each connector, ended. `found` holds a result for each connector.
CREATE TABLE canary (
  id uuid PRIMARY KEY,
  started_at timestamptz NOT NULL,
  asked_by text NOT NULL,
  connectors text[] NOT NULL,
  ended_at timestamptz,
  found jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX canary_newest ON canary (started_at DESC);
