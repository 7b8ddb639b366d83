-- The hours of each connector: what was told to it and what it sent, counted from `delivery` and `hook` when the hour is
-- over, so that a month is read in milliseconds. `rolled` says up to when.
CREATE TABLE connector_hour (
  connector text NOT NULL,
  hour timestamptz NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  good integer NOT NULL DEFAULT 0,
  took_ms double precision NOT NULL DEFAULT 0,
  webhooks integer NOT NULL DEFAULT 0,
  quarantined integer NOT NULL DEFAULT 0,
  PRIMARY KEY (connector, hour)
);
CREATE TABLE rolled (
  name text PRIMARY KEY,
  until timestamptz NOT NULL
);
-- What leaves no row of its own, in slots of five minutes: every call of a provider ("call", by outcome), every webhook ("webhook", by result).
CREATE TABLE connector_count (
  connector text NOT NULL,
  slot timestamptz NOT NULL,
  kind text NOT NULL,
  what text NOT NULL,
  n bigint NOT NULL DEFAULT 0,
  took_ms double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (connector, slot, kind, what)
);
-- What a provider said last of its rate limit.
CREATE TABLE connector_allowance (
  connector text PRIMARY KEY,
  seen_at timestamptz NOT NULL,
  most bigint,
  remaining bigint,
  resets_at timestamptz,
  throttled boolean NOT NULL DEFAULT false
);
CREATE INDEX remote_asked ON remote (asked_at);
