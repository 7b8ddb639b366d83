-- An alert that a digest rule took, once a period: told at `due` to each of `connectors`. `counted` = its repeats before
-- this period. `digest` NULL = still collected.
CREATE TABLE digest_entry (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  connectors text[] NOT NULL,
  due timestamptz NOT NULL,
  alert_id uuid NOT NULL,
  since timestamptz NOT NULL,
  counted integer NOT NULL,
  would_page text[] NOT NULL,
  digest bigint
);
CREATE UNIQUE INDEX digest_entry_collected ON digest_entry (alert_id) WHERE digest IS NULL;
CREATE INDEX digest_entry_due ON digest_entry (due) WHERE digest IS NULL;
CREATE INDEX digest_entry_of ON digest_entry (digest) WHERE digest IS NOT NULL;

-- A period that is over: what was written, to whom. How it was delivered stands in its messages.
CREATE TABLE digest (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  connectors text[] NOT NULL,
  begins_at timestamptz NOT NULL,
  ends_at timestamptz NOT NULL,
  alerts integer NOT NULL,
  worst text NOT NULL,
  subject text NOT NULL,
  text text NOT NULL,
  fell_back_at timestamptz
);
CREATE INDEX digest_by_end ON digest (ends_at DESC, id DESC);

-- What is told by a connector and belongs to no one incident. `key` is its own name: saving it twice is harmless.
CREATE TABLE message (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL UNIQUE,
  connector text NOT NULL,
  recipients text[] NOT NULL DEFAULT '{}',
  severity text NOT NULL,
  subject text NOT NULL,
  text text NOT NULL,
  digest bigint REFERENCES digest ON DELETE CASCADE,
  state text NOT NULL DEFAULT 'waiting',
  due timestamptz NOT NULL,
  give_up_at timestamptz NOT NULL,
  lease_until timestamptz,
  attempts integer NOT NULL DEFAULT 0,
  made_at timestamptz NOT NULL,
  settled_at timestamptz,
  reason text NOT NULL DEFAULT ''
);
CREATE INDEX message_due ON message (connector, due) WHERE state IN ('waiting', 'leased');
CREATE INDEX message_of_digest ON message (digest) WHERE digest IS NOT NULL;
