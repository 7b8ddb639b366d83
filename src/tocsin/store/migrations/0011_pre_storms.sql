-- How many new keys an integration may still open incidents for, shared by all nodes; `since` = past that now: a storm.
CREATE TABLE storm (
  integration text PRIMARY KEY,
  tokens double precision NOT NULL,
  tokens_at timestamptz NOT NULL,
  since timestamptz,
  keys integer NOT NULL DEFAULT 0
);
CREATE INDEX storm_under_way ON storm (since) WHERE since IS NOT NULL;
