-- Both sides in step: differences that are listed, how late a change is, and whether webhooks get through.

-- One difference to a provider that is listed and not applied (S36, S40, S41). Its end says why it is over.
CREATE TABLE divergence (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  connector text NOT NULL,
  incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
  remote bigint NOT NULL REFERENCES remote ON DELETE CASCADE,
  service text NOT NULL DEFAULT '',
  -- outbound, timer, missing, refused, merged or status (core/divergence.py)
  kind text NOT NULL,
  -- the change there or the write of ours that it is about: resolved, acknowledge, note …
  what text NOT NULL,
  ours text NOT NULL,
  theirs text NOT NULL,
  since timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  times integer NOT NULL DEFAULT 1,
  decision text NOT NULL,
  reason text NOT NULL,
  ended_at timestamptz,
  ended_why text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX divergence_one_open ON divergence (remote, kind, what) WHERE ended_at IS NULL;
CREATE INDEX divergence_newest ON divergence (since DESC, id DESC);
CREATE INDEX divergence_by_incident ON divergence (incident_id);

-- there_at: the provider's own clock at the newest change of state that is known; what happened before it is late.
-- shared: another incident of ours lives under the same id there, since the two were merged (S41).
ALTER TABLE remote ADD COLUMN there_at timestamptz, ADD COLUMN shared boolean NOT NULL DEFAULT false;

-- proven_at: when a write of ours was last seen coming back by webhook; unproven_since: since when one stays away (S44).
ALTER TABLE connector_state ADD COLUMN proven_at timestamptz, ADD COLUMN unproven_since timestamptz;
