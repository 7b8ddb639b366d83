-- What the nodes said of their work (ADR 0032). Written a moment later, in batches, under one lock: ids are in the
-- order in which they become visible, so that who follows misses none.
CREATE TABLE log_line (
  id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL,
  node uuid NOT NULL,
  node_name text NOT NULL DEFAULT '',
  seq bigint NOT NULL,
  level smallint NOT NULL,
  component text NOT NULL,
  event text NOT NULL,
  connector text NOT NULL DEFAULT '',
  incident text NOT NULL DEFAULT '',
  text text NOT NULL,
  data jsonb NOT NULL DEFAULT '{}'
) PARTITION BY RANGE (at);
CREATE INDEX log_line_by_id ON log_line (id);
CREATE INDEX log_line_by_incident ON log_line (incident, id) WHERE incident <> '';
