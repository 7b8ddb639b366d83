-- Raised by every look of a node at the database: one that has less than a node remembers is an older copy (S48).
CREATE TABLE mark (
  number bigint NOT NULL,
  at timestamptz NOT NULL,
  one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO mark (number, at) VALUES (0, now());

-- What the journal gives back is looked for by the request's id.
CREATE INDEX raw_request_by_id ON raw_request (id);

-- Pages sent while the database was away, as the node's own record told them on return; adopted by the decider (S47).
CREATE TABLE blind_page (
  -- the id that the incident gets, unless the alert finds another home
  incident_id uuid NOT NULL,
  connector text NOT NULL,
  service text NOT NULL,
  recipient text NOT NULL,
  scope text NOT NULL,
  dedup_key text NOT NULL,
  key text NOT NULL,
  at timestamptz NOT NULL,
  state text NOT NULL,
  remote_id text NOT NULL DEFAULT '',
  remote_url text NOT NULL DEFAULT '',
  fault text NOT NULL DEFAULT '',
  adopted_at timestamptz,
  PRIMARY KEY (incident_id, connector, service, recipient)
);
CREATE INDEX blind_page_open ON blind_page (scope, dedup_key) WHERE adopted_at IS NULL;
ALTER TABLE alert ADD COLUMN paged_blind uuid;

-- The database was found to be an older copy: what it says is over or not is not believed at once (S48).
CREATE TABLE hold (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  since timestamptz NOT NULL,
  until timestamptz NOT NULL,
  reason text NOT NULL,
  node uuid,
  ended_at timestamptz,
  ended_by text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX hold_goes_on ON hold ((true)) WHERE ended_at IS NULL;
