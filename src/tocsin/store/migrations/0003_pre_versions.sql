-- A credential that the version in force no longer names is kept for a while, so that going back needs nobody to find it.
ALTER TABLE secret ADD COLUMN unused_since timestamptz;

-- What is known of a connector as its settings were (print = what decides whether it takes a page at all): since when
-- they hold, and when it last took one with them. Read when a configuration is weighed (S51).
CREATE TABLE connector_proof (
  connector text NOT NULL,
  print text NOT NULL,
  since timestamptz NOT NULL,
  proved_at timestamptz,
  PRIMARY KEY (connector, print)
);

-- Until when the lines of a table that only grows have been forgotten, so that what is missing can be told.
CREATE TABLE forgotten (
  name text PRIMARY KEY,
  before timestamptz NOT NULL
);

-- Webhooks with a wrong signature are bounded by connector; those that went to make room are counted.
CREATE INDEX hook_quarantined ON hook (connector, received_at) WHERE state = 'quarantined';
ALTER TABLE connector_state ADD COLUMN quarantine_dropped bigint NOT NULL DEFAULT 0;
