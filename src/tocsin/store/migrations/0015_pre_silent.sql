-- An incident that somebody has: when it is looked at for having been silent too long (S24). `asks_at` = its holder is
-- asked by digest then; NULL = it is not silent, as far as is known. A table of its own, not a kind of timer: the version
-- before deletes timers of kinds that it does not know.
CREATE TABLE silent (
  incident_id uuid PRIMARY KEY REFERENCES incident ON DELETE CASCADE,
  look_at timestamptz NOT NULL,
  asks_at timestamptz
);
CREATE INDEX silent_due ON silent (look_at);
INSERT INTO silent (incident_id, look_at)
  SELECT id, now() + interval '24 hours' FROM incident WHERE status = 'mitigated' AND snoozed_until IS NULL;

-- A digest that asks somebody about incidents of theirs: who, and how many.
ALTER TABLE digest ADD COLUMN holder text NOT NULL DEFAULT '', ADD COLUMN incidents integer NOT NULL DEFAULT 0;
