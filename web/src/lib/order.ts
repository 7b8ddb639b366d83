/** In which order does the board show incidents, and which of them does it show? */
import type { Incident, Severity, Status } from "../api/types";

const SEVERITY: Record<Severity, number> = { critical: 0, high: 1, medium: 2, low: 3 };
const STATUS: Record<Status, number> = { open: 0, mitigated: 1, resolved: 2, closed: 3 };

export const severityRank = (severity: Severity): number => SEVERITY[severity] ?? 4;
export const isActive = (status: Status): boolean => status === "open" || status === "mitigated";

/** Active before done; then the worst; then what nobody has taken; then the newest. Total, so rows never swap by chance. */
export function compare(a: Incident, b: Incident): number {
  return (
    Number(isActive(b.status)) - Number(isActive(a.status)) ||
    severityRank(a.severity) - severityRank(b.severity) ||
    (STATUS[a.status] ?? 4) - (STATUS[b.status] ?? 4) ||
    Date.parse(b.opened_at) - Date.parse(a.opened_at) ||
    b.number - a.number
  );
}

export const ordered = (items: readonly Incident[]): Incident[] => [...items].sort(compare);

/**
 * Rows that a finger may be about to hit stay where they are. `shown` is the order on the screen (names); while the
 * person is `holding` (scrolled down) it is kept and newcomers wait. Returns the rows to draw and how many wait.
 */
export function settle(
  sorted: readonly Incident[],
  shown: readonly string[],
  holding: boolean,
): { rows: Incident[]; waiting: Incident[] } {
  if (!holding || shown.length === 0) return { rows: [...sorted], waiting: [] };
  const byName = new Map(sorted.map((incident) => [incident.name, incident]));
  const rows = shown.flatMap((name) => byName.get(name) ?? []);
  const known = new Set(shown);
  return { rows, waiting: sorted.filter((incident) => !known.has(incident.name)) };
}

export interface Counts {
  active: number;
  unacknowledged: number;
  acknowledged: number;
}

export function count(items: readonly Incident[]): Counts {
  const unacknowledged = items.filter((incident) => incident.status === "open").length;
  const acknowledged = items.filter((incident) => incident.status === "mitigated").length;
  return { active: unacknowledged + acknowledged, unacknowledged, acknowledged };
}

/** `severity:sev-1 service:payments team:infra status:open words` - each part must match; unknown keys are words. */
export function matches(incident: Incident, filter: string): boolean {
  const parts = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return parts.every((part) => matchesPart(incident, part));
}

function matchesPart(incident: Incident, part: string): boolean {
  const [key, value] = part.includes(":") ? (part.split(/:(.*)/s) as [string, string]) : ["", part];
  switch (key) {
    case "severity":
    case "sev":
      return (
        incident.severity === value ||
        incident.sev.toLowerCase() === value ||
        incident.sev.endsWith(`-${value}`)
      );
    case "service":
      return incident.services.some((service) => service.toLowerCase().includes(value));
    case "team":
      return incident.team.toLowerCase().includes(value);
    case "status":
      return incident.status === value || incident.status_shown.toLowerCase() === value;
    default:
      return text(incident).includes(part);
  }
}

const text = (incident: Incident): string =>
  [incident.name, incident.title, incident.team, incident.assignee, ...incident.services]
    .join(" ")
    .toLowerCase();
