-- What a connector told last about who is on call at a place there (RO-8): a copy, told with its age. `roster` NULL = it
-- never answered; `fault` = why the last asking brought nothing, '' = it did; `asked_at` = the last asking.
CREATE TABLE oncall (
  connector text NOT NULL,
  place text NOT NULL,
  roster jsonb,
  read_at timestamptz,
  asked_at timestamptz NOT NULL,
  fault text NOT NULL DEFAULT '',
  fault_since timestamptz,
  PRIMARY KEY (connector, place)
);
