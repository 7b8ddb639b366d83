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
