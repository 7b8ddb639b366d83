-- The keys of alerts that further keys join by title (S11): one row a key, the alert's own among them, of integrations
-- that ask for it and of no other. `over_at` = its sender resolved it. Only the row of the alert's own key has a
-- title, the alert's; `live` there = the alert may still be joined.
CREATE TABLE alias (
  alert_id uuid NOT NULL REFERENCES alert ON DELETE CASCADE,
  dedup_key text NOT NULL,
  scope text NOT NULL,
  integration text NOT NULL,
  title text,
  live boolean NOT NULL DEFAULT false,
  made_at timestamptz NOT NULL,
  newest_sent_at timestamptz,
  over_at timestamptz,
  PRIMARY KEY (alert_id, dedup_key)
);
CREATE INDEX alias_by_key ON alias (scope, dedup_key, made_at DESC);
CREATE INDEX alias_by_title ON alias (integration, title, made_at DESC) WHERE title IS NOT NULL;
CREATE INDEX alias_live ON alias (integration, title, made_at DESC) WHERE live;
CREATE INDEX alias_open ON alias (alert_id) WHERE over_at IS NULL;
