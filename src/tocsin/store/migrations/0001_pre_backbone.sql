-- The tables of the backbone. Comments say what a row is; docs/architecture.md draws how they hang together.

CREATE TABLE installation (
  single boolean PRIMARY KEY DEFAULT true CHECK (single),
  id uuid NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now()
);

-- One applied configuration: immutable, never holds credentials (S50).
CREATE TABLE config_version (
  version bigint PRIMARY KEY,
  hash text NOT NULL,
  author text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now(),
  origin text NOT NULL DEFAULT '',
  document jsonb NOT NULL
);

-- One credential, sealed with the installation's secret key.
CREATE TABLE secret (
  name text PRIMARY KEY,
  sealed bytea NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE api_token (
  id uuid PRIMARY KEY,
  name text NOT NULL,
  hash bytea NOT NULL UNIQUE,
  scopes text[] NOT NULL,
  made_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);

-- A browser's session, or the one-time code that opens one (kind 'code').
CREATE TABLE session (
  hash bytea PRIMARY KEY,
  kind text NOT NULL,
  name text NOT NULL,
  scopes text[] NOT NULL,
  expires_at timestamptz NOT NULL
);

-- A request as it came, before anybody understood it. Authentication headers and keys are hashed (S50).
CREATE TABLE raw_request (
  id uuid NOT NULL,
  received_at timestamptz NOT NULL,
  integration text NOT NULL,
  source text NOT NULL,
  method text NOT NULL,
  path text NOT NULL,
  query text NOT NULL DEFAULT '',
  headers jsonb NOT NULL,
  body bytea NOT NULL,
  remote_address text NOT NULL DEFAULT '',
  reading text NOT NULL DEFAULT '',
  fault text NOT NULL DEFAULT ''
) PARTITION BY RANGE (received_at);
CREATE INDEX raw_request_by_integration ON raw_request (integration, received_at DESC);
ALTER TABLE raw_request ALTER COLUMN body SET STORAGE EXTERNAL;

-- What a sender said, once. Identical repeats are counted on the alert instead (docs/adr/0006).
CREATE TABLE event (
  id bigint GENERATED ALWAYS AS IDENTITY,
  received_at timestamptz NOT NULL,
  alert_id uuid,
  raw_id uuid,
  integration text NOT NULL,
  action text NOT NULL,
  dedup_key text NOT NULL,
  reading text NOT NULL,
  reason text NOT NULL DEFAULT '',
  body jsonb NOT NULL
) PARTITION BY RANGE (received_at);
CREATE INDEX event_by_alert ON event (alert_id, id);

CREATE TABLE incident (
  id uuid PRIMARY KEY,
  number bigint NOT NULL UNIQUE,
  title text NOT NULL,
  description text NOT NULL DEFAULT '',
  severity text NOT NULL,
  status text NOT NULL,
  team text NOT NULL DEFAULT '',
  correlation_id text NOT NULL,
  life integer NOT NULL DEFAULT 1,
  declared boolean NOT NULL DEFAULT false,
  origin text NOT NULL DEFAULT '',
  policy text NOT NULL DEFAULT '',
  rule text NOT NULL DEFAULT '',
  group_key text NOT NULL DEFAULT '',
  assignee text NOT NULL DEFAULT '',
  opened_at timestamptz NOT NULL,
  acknowledged_at timestamptz,
  acknowledged_by text NOT NULL DEFAULT '',
  resolved_at timestamptz,
  resolved_by text,
  closed_at timestamptz,
  recurrence_of bigint,
  config_version bigint NOT NULL DEFAULT 0,
  details jsonb NOT NULL DEFAULT '{}',
  links jsonb NOT NULL DEFAULT '[]',
  -- the page under way: its steps as routed, where it stands (core/escalate.py)
  paging jsonb NOT NULL DEFAULT '{}',
  last_join_at timestamptz,
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE SEQUENCE incident_number AS bigint;
CREATE INDEX incident_live ON incident (number DESC) WHERE status IN ('open', 'mitigated');
CREATE INDEX incident_by_correlation ON incident (correlation_id);
CREATE UNIQUE INDEX incident_one_open_group ON incident (group_key) WHERE group_key <> '' AND status IN ('open', 'mitigated');

-- One service of an incident and its own status (S20); service '' when the incident has none.
CREATE TABLE part (
  incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
  position smallint NOT NULL,
  service text NOT NULL,
  status text NOT NULL,
  changed_at timestamptz NOT NULL,
  changed_by text NOT NULL DEFAULT '',
  PRIMARY KEY (incident_id, service)
);

CREATE TABLE alert (
  id uuid PRIMARY KEY,
  integration text NOT NULL,
  -- inside which its dedup key is unique: the integration's name, or '*' for account-wide keys (S12)
  scope text NOT NULL,
  source text NOT NULL,
  dedup_key text NOT NULL,
  status text NOT NULL,
  title text NOT NULL,
  description text NOT NULL DEFAULT '',
  severity text,
  sender_severity text,
  quiet boolean NOT NULL DEFAULT false,
  services text[] NOT NULL DEFAULT '{}',
  team text NOT NULL DEFAULT '',
  labels jsonb NOT NULL DEFAULT '{}',
  tags text[] NOT NULL DEFAULT '{}',
  details jsonb NOT NULL DEFAULT '{}',
  links jsonb NOT NULL DEFAULT '[]',
  correlation_id text NOT NULL,
  count integer NOT NULL DEFAULT 0,
  fingerprint bytea NOT NULL,
  first_event_at timestamptz NOT NULL,
  last_event_at timestamptz NOT NULL,
  newest_sent_at timestamptz,
  incident_id uuid REFERENCES incident,
  muted_by text NOT NULL DEFAULT '',
  resolved_at timestamptz,
  resolved_by text,
  -- work of the decider: events after decided_event are not decided yet
  undecided_since timestamptz,
  decided_event bigint NOT NULL DEFAULT 0,
  decision jsonb,
  config_version bigint NOT NULL DEFAULT 0,
  told_repeat_at timestamptz
) WITH (fillfactor = 85);
CREATE UNIQUE INDEX alert_one_live ON alert (scope, dedup_key) WHERE status <> 'resolved';
CREATE INDEX alert_history ON alert (scope, dedup_key, first_event_at DESC);
CREATE INDEX alert_undecided ON alert (undecided_since) WHERE undecided_since IS NOT NULL;
CREATE INDEX alert_by_incident ON alert (incident_id) WHERE incident_id IS NOT NULL;
CREATE INDEX alert_live ON alert (id) WHERE status <> 'resolved';

-- One incident's part as it lives at one connector, with the rungs of S27 as facts.
CREATE TABLE remote (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
  connector text NOT NULL,
  service text NOT NULL,
  recipient text NOT NULL DEFAULT '',
  life integer NOT NULL,
  key text NOT NULL,
  remote_id text NOT NULL DEFAULT '',
  remote_url text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'unknown',
  step smallint NOT NULL DEFAULT 0,
  asked_at timestamptz NOT NULL,
  accepted_at timestamptz,
  created_at timestamptz,
  notified_at timestamptz,
  acknowledged_at timestamptz,
  resolved_at timestamptz,
  failed_at timestamptz,
  superseded_at timestamptz,
  fault text NOT NULL DEFAULT '',
  -- our writes not yet seen confirmed: [{"transition": …, "at": …}] (S38)
  expected jsonb NOT NULL DEFAULT '[]',
  read_at timestamptz,
  UNIQUE (incident_id, connector, service, recipient, life)
);
CREATE INDEX remote_by_key ON remote (key);
CREATE INDEX remote_by_remote_id ON remote (connector, remote_id) WHERE remote_id <> '';

-- Outgoing work, saved with the state it follows from. `key` is the effect's own name: saving it twice is harmless.
CREATE TABLE effect (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key text NOT NULL UNIQUE,
  incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
  remote bigint NOT NULL REFERENCES remote ON DELETE CASCADE,
  connector text NOT NULL,
  kind text NOT NULL,
  body jsonb NOT NULL,
  urgent smallint NOT NULL DEFAULT 0,
  state text NOT NULL DEFAULT 'waiting',
  due timestamptz NOT NULL,
  lease_until timestamptz,
  leased_by uuid,
  attempts integer NOT NULL DEFAULT 0,
  ambiguous boolean NOT NULL DEFAULT false,
  made_at timestamptz NOT NULL,
  settled_at timestamptz,
  reason text NOT NULL DEFAULT ''
) WITH (fillfactor = 80);
CREATE INDEX effect_due ON effect (connector, urgent DESC, id) WHERE state IN ('waiting', 'leased');
CREATE INDEX effect_queue ON effect (remote, id) WHERE state IN ('waiting', 'leased');
CREATE INDEX effect_by_incident ON effect (incident_id);

-- One attempt at an effect.
CREATE TABLE delivery (
  id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL,
  effect bigint NOT NULL,
  incident_id uuid NOT NULL,
  connector text NOT NULL,
  service text NOT NULL DEFAULT '',
  kind text NOT NULL,
  attempt integer NOT NULL,
  step text NOT NULL DEFAULT '',
  outcome text NOT NULL,
  reason text NOT NULL DEFAULT '',
  status integer,
  took_ms real NOT NULL DEFAULT 0,
  calls smallint NOT NULL DEFAULT 1
) PARTITION BY RANGE (at);
CREATE INDEX delivery_by_incident ON delivery (incident_id, at);
CREATE INDEX delivery_by_connector ON delivery (connector, at);

-- What happened and why, for people.
CREATE TABLE timeline (
  id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL,
  incident_id uuid,
  alert_id uuid,
  kind text NOT NULL,
  reason text NOT NULL DEFAULT '',
  text text NOT NULL,
  actor text NOT NULL DEFAULT '',
  correlation_id text NOT NULL DEFAULT '',
  took_ms real,
  config_version bigint NOT NULL DEFAULT 0,
  data jsonb NOT NULL DEFAULT '{}'
) PARTITION BY RANGE (at);
CREATE INDEX timeline_by_incident ON timeline (incident_id, at, id);
CREATE INDEX timeline_by_alert ON timeline (alert_id, at, id) WHERE alert_id IS NOT NULL;

CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY,
  at timestamptz NOT NULL,
  actor text NOT NULL,
  origin text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  before jsonb,
  after jsonb
) PARTITION BY RANGE (at);

-- What must be looked at when.
CREATE TABLE timer (
  kind text NOT NULL,
  incident_id uuid NOT NULL REFERENCES incident ON DELETE CASCADE,
  due timestamptz NOT NULL,
  PRIMARY KEY (kind, incident_id)
);
CREATE INDEX timer_due ON timer (due);

-- Breaker and token bucket of a connector, shared by every node (S33).
CREATE TABLE connector_state (
  connector text PRIMARY KEY,
  breaker text NOT NULL DEFAULT 'closed',
  failures integer NOT NULL DEFAULT 0,
  opened_at timestamptz,
  probe_at timestamptz,
  trips integer NOT NULL DEFAULT 0,
  hold_until timestamptz,
  tokens double precision NOT NULL DEFAULT 1e9,
  tokens_at timestamptz NOT NULL DEFAULT now(),
  last_success_at timestamptz,
  last_failure_at timestamptz,
  last_error text NOT NULL DEFAULT '',
  last_webhook_at timestamptz
);

-- A provider's webhook as it came; work until state leaves 'pending'.
CREATE TABLE hook (
  id uuid NOT NULL,
  received_at timestamptz NOT NULL,
  connector text NOT NULL,
  state text NOT NULL,
  headers jsonb NOT NULL,
  query text NOT NULL DEFAULT '',
  body bytea NOT NULL,
  remote_address text NOT NULL DEFAULT '',
  outcome text NOT NULL DEFAULT '',
  attempts smallint NOT NULL DEFAULT 0
) PARTITION BY RANGE (received_at);
CREATE INDEX hook_pending ON hook (received_at) WHERE state = 'pending';
CREATE INDEX hook_by_connector ON hook (connector, received_at DESC);

-- Changes already applied, so that a doubled webhook is harmless.
CREATE TABLE change_seen (
  connector text NOT NULL,
  delivery_id text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (connector, delivery_id)
);
CREATE INDEX change_seen_age ON change_seen (seen_at);

-- A process that is up: it says so every two seconds; what one that fell silent had leased is taken over.
CREATE TABLE node (
  id uuid PRIMARY KEY,
  role text NOT NULL,
  host text NOT NULL,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL
);
