/**
 * What the API answers, by hand until `schema.d.ts` is generated from docs/openapi.json.
 * Times are RFC 3339 in UTC; unknown is null.
 */

export type Severity = "critical" | "high" | "medium" | "low";
export type Status = "open" | "mitigated" | "resolved" | "closed";
export type PageStatus = "triggered" | "acknowledged" | "resolved" | "unknown";

/** One incident as one provider sees it. */
export interface ProviderPage {
  connector: string;
  type: string;
  service: string;
  /** Whom it went to, where one connector reaches several (e-mail); else "". */
  recipient: string;
  remote_id: string;
  remote_url: string;
  status: PageStatus;
  accepted_at: string | null;
  created_at: string | null;
  notified_at: string | null;
  acknowledged_at: string | null;
  waiting: number;
  last_error: string;
}

/** From outside: either part may be missing, and the address may be anything. */
export interface Link {
  href?: string;
  text?: string;
}

export interface Part {
  service: string;
  status: Status;
  changed_at: string | null;
  changed_by: string;
}

export interface Incident {
  name: string;
  number: number;
  id: string;
  title: string;
  description: string;
  severity: Severity;
  sev: string;
  status: Status;
  status_shown: string;
  services: string[];
  parts: Part[];
  team: string;
  correlation_id: string;
  opened_at: string;
  acknowledged_at: string | null;
  acknowledged_by: string;
  snoozed_until: string | null;
  resolved_at: string | null;
  resolved_by: string;
  closed_at: string | null;
  assignee: string;
  declared: boolean;
  origin: string;
  policy: string;
  rule: string;
  next_step_at: string | null;
  life: number;
  recurrence_of: string | null;
  alerts: number;
  repeats: number;
  config_version: number;
  updated_at: string;
  links: Link[];
  providers: ProviderPage[];
}

export type AlertStatus = "queued" | "open" | "acknowledged" | "dropped" | "resolved";

export interface Alert {
  id: string;
  integration: string;
  source: string;
  dedup_key: string;
  status: AlertStatus;
  title: string;
  description: string;
  severity: Severity | null;
  labels: Record<string, string>;
  links: Link[];
  count: number;
  first_event_at: string;
  last_event_at: string;
  incident: string | null;
  muted_by: string;
  resolved_at: string | null;
}

export interface TimelineLine {
  id: number;
  at: string;
  kind: string;
  reason: string;
  text: string;
  actor: string;
  correlation_id: string;
  took_ms: number | null;
  data: Record<string, unknown>;
  /** Only on the stream. */
  incident?: string;
}

export interface Connector {
  name: string;
  type: string;
  direction: string;
  enabled: boolean;
  breaker: {
    state: "closed" | "open" | "half_open";
    failures: number;
    opened_at: string | null;
    next_probe_at: string | null;
  };
  queue: number;
  last_success_at: string | null;
  last_failure_at: string | null;
  last_error: string;
  last_webhook_at: string | null;
  success_rate: number | null;
  average_ms: number | null;
  sync: string;
}

export interface Health {
  system_status: "healthy" | "degraded" | "unhealthy";
  active_incidents: number;
  reasons: string[];
  version: string;
}

export interface Whoami {
  name: string;
  scopes: string[];
  demo: boolean;
  version: string;
  public_url: string;
}

export interface PageOf<T> {
  items: T[];
  next_cursor: string | null;
}

/** RFC 9457. */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  hint?: string;
}
