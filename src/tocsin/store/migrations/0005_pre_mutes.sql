-- A decision may say "look at this alert again at T": the decider does, although nothing was heard. Kept apart from
-- undecided_since, which is news that somebody waits for.
ALTER TABLE alert ADD COLUMN look_again_at timestamptz;
CREATE INDEX alert_look_again ON alert (look_again_at) WHERE look_again_at IS NOT NULL;

-- A silence, or a maintenance window that is not from the configuration: what it covers, when, and whose it is.
-- Never deleted, so that a record that names it can be read later.
CREATE TABLE mute (
  id uuid PRIMARY KEY,
  kind text NOT NULL,
  name text NOT NULL DEFAULT '',
  condition text NOT NULL DEFAULT '',
  match jsonb NOT NULL DEFAULT '{}',
  everything boolean NOT NULL DEFAULT false,
  excepted text[] NOT NULL DEFAULT '{}',
  every text[] NOT NULL DEFAULT '{}',
  timezone text NOT NULL DEFAULT 'UTC',
  starts_at timestamptz NOT NULL,
  ends_at timestamptz,
  owner text NOT NULL,
  comment text NOT NULL,
  made_by text NOT NULL,
  made_at timestamptz NOT NULL,
  changed_at timestamptz NOT NULL,
  cancelled_at timestamptz,
  cancelled_by text NOT NULL DEFAULT ''
);
CREATE INDEX mute_in_force ON mute (kind, ends_at) WHERE cancelled_at IS NULL;
