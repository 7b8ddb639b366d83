/** Incidents and lines for the unit tests; never part of the page. */
import type { Connector, Incident, TimelineLine } from "../api/types";

export function anIncident(change: Partial<Incident> = {}): Incident {
  const number = change.number ?? 1;
  return {
    name: `INC-${number}`,
    number,
    id: `id-${number}`,
    title: "Database down",
    description: "",
    severity: "critical",
    sev: "SEV-1",
    status: "open",
    status_shown: "Open",
    services: ["payment-service"],
    parts: [],
    team: "payments",
    correlation_id: "c",
    opened_at: "2026-11-20T03:00:00.000000Z",
    acknowledged_at: null,
    acknowledged_by: "",
    snoozed_until: null,
    resolved_at: null,
    resolved_by: "",
    closed_at: null,
    assignee: "",
    declared: false,
    origin: "",
    policy: "",
    rule: "",
    next_step_at: null,
    life: 1,
    recurrence_of: null,
    alerts: 1,
    repeats: 0,
    config_version: 1,
    updated_at: "2026-11-20T03:00:00.000000Z",
    links: [],
    providers: [],
    ...change,
  };
}

export function aLine(id: number, at: string, kind = "note"): TimelineLine {
  return { id, at, kind, reason: "", text: kind, actor: "", correlation_id: "c", took_ms: null, data: {} };
}

export function aConnector(change: Partial<Connector> = {}): Connector {
  return {
    name: "pd",
    type: "pagerduty",
    direction: "bidirectional",
    enabled: true,
    breaker: { state: "closed", failures: 0, opened_at: null, next_probe_at: null },
    queue: 0,
    last_success_at: null,
    last_failure_at: null,
    last_error: "",
    last_webhook_at: null,
    success_rate: null,
    average_ms: null,
    sync: "webhook",
    ...change,
  };
}
