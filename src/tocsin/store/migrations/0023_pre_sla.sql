-- The clocks of what was promised about an incident (IM-4): rows, so that a restart forgets none. `status`, `severity`,
-- `acknowledged_at` and `version` are what they were set by: another value in `incident` has them set anew. `look_at`
-- NULL = nothing is due before that. A breach is the instant that was missed.
CREATE TABLE sla (
  incident_id uuid PRIMARY KEY REFERENCES incident ON DELETE CASCADE,
  status text NOT NULL,
  severity text NOT NULL,
  acknowledged_at timestamptz,
  version bigint NOT NULL,
  opened timestamptz[] NOT NULL,
  ended timestamptz[] NOT NULL,
  ack_from timestamptz NOT NULL,
  ack_promise jsonb,
  ack_due_at timestamptz,
  ack_warn_at timestamptz,
  ack_met_at timestamptz,
  ack_warned_at timestamptz,
  ack_breached_at timestamptz,
  resolve_promise jsonb,
  resolve_due_at timestamptz,
  resolve_warn_at timestamptz,
  resolve_met_at timestamptz,
  resolve_warned_at timestamptz,
  resolve_breached_at timestamptz,
  look_at timestamptz
);
CREATE INDEX sla_look ON sla (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX sla_ack_breached ON sla (ack_breached_at) WHERE ack_breached_at IS NOT NULL;
CREATE INDEX sla_resolve_breached ON sla (resolve_breached_at) WHERE resolve_breached_at IS NOT NULL;
CREATE INDEX incident_opened ON incident USING brin (opened_at);
