-- Several incidents of one recipient, told in one page (S22).

-- What was sent as one has one id here: taken over, it is sent again as the same.
ALTER TABLE effect ADD COLUMN bundle uuid;
CREATE INDEX effect_by_bundle ON effect (bundle) WHERE bundle IS NOT NULL;
ALTER TABLE delivery ADD COLUMN bundle uuid;

-- A page waited until then for others to leave with: no target is given up for that time.
ALTER TABLE remote ADD COLUMN held_until timestamptz;

-- When a page last left to a recipient of a connector, "" = the connector's own.
CREATE TABLE page_left (
  connector text NOT NULL,
  recipient text NOT NULL,
  left_at timestamptz NOT NULL,
  PRIMARY KEY (connector, recipient)
);
