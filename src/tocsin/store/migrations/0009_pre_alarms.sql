-- What does not work in the hub itself, by name. `told` is what its alert was last told: '' nothing yet, 'raised' or 'cleared'.
CREATE TABLE alarm (
  key text PRIMARY KEY,
  title text NOT NULL,
  text text NOT NULL,
  severity text NOT NULL,
  connector text NOT NULL DEFAULT '',
  times integer NOT NULL DEFAULT 1,
  raised_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  cleared_at timestamptz,
  told text NOT NULL DEFAULT ''
);
CREATE INDEX alarm_untold ON alarm (raised_at) WHERE (cleared_at IS NULL AND told <> 'raised') OR (cleared_at IS NOT NULL AND told = 'raised');
