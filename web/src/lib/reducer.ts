/** What do the events of the stream change in what the page knows? Pure: old in, new out, the same object when nothing changed. */
import type { Connector, Incident, PageOf, Status, TimelineLine } from "../api/types";

export type StreamEvent =
  | { name: "incident"; data: Incident }
  | { name: "timeline"; data: TimelineLine }
  | { name: "connector"; data: Connector }
  | { name: "reset"; data: null };

const NAMES = new Set(["incident", "timeline", "connector", "reset"]);

/** One event as it came; null for a kind that this page does not know or a body that is not JSON. */
export function parseEvent(name: string, data: string): StreamEvent | null {
  if (!NAMES.has(name)) return null;
  if (name === "reset") return { name: "reset", data: null };
  try {
    const body: unknown = JSON.parse(data);
    return body !== null && typeof body === "object" ? ({ name, data: body } as StreamEvent) : null;
  } catch {
    return null;
  }
}

export interface Batch {
  /** The newest of each, by name. */
  incidents: Map<string, Incident>;
  lines: Map<string, TimelineLine[]>;
  connectors: Map<string, Connector>;
  /** The server lost the thread: fetch everything again. */
  reset: boolean;
}

/** A storm of events as one change: the board draws at most four times a second. */
export function collect(events: readonly StreamEvent[]): Batch {
  const batch: Batch = { incidents: new Map(), lines: new Map(), connectors: new Map(), reset: false };
  for (const event of events) {
    if (event.name === "reset") batch.reset = true;
    else if (event.name === "connector") batch.connectors.set(event.data.name, event.data);
    else if (event.name === "incident") {
      const before = batch.incidents.get(event.data.name);
      if (!before || isNewer(event.data, before)) batch.incidents.set(event.data.name, event.data);
    } else if (event.data.incident) {
      const lines = batch.lines.get(event.data.incident) ?? [];
      batch.lines.set(event.data.incident, [...lines, event.data]);
    }
  }
  return batch;
}

/** Events and answers of requests overtake each other; the later `updated_at` wins, and an equal one is taken. */
export function isNewer(incoming: Incident, known: Incident): boolean {
  const a = Date.parse(incoming.updated_at);
  const b = Date.parse(known.updated_at);
  if (a !== b) return a > b;
  // Equal to the millisecond: the text still orders microseconds, for equal length and the same "Z".
  return incoming.updated_at >= known.updated_at || incoming.updated_at.length !== known.updated_at.length;
}

export function patchIncident(known: Incident | undefined, incoming: Incident): Incident {
  return known === undefined || isNewer(incoming, known) ? incoming : known;
}

/** The list of a board that shows `statuses`: what left these statuses goes, what entered them comes. */
export function patchList(
  list: PageOf<Incident>,
  incoming: ReadonlyMap<string, Incident>,
  statuses: readonly Status[],
): PageOf<Incident> {
  if (incoming.size === 0) return list;
  const kept = list.items.map((known) => patchIncident(known, incoming.get(known.name) ?? known));
  const names = new Set(kept.map((incident) => incident.name));
  const fresh = [...incoming.values()].filter((incident) => !names.has(incident.name));
  const items = [...kept, ...fresh].filter((incident) => statuses.includes(incident.status));
  const same = items.length === list.items.length && items.every((item, index) => item === list.items[index]);
  return same ? list : { ...list, items };
}

export function patchTimeline(
  list: PageOf<TimelineLine>,
  incoming: readonly TimelineLine[],
): PageOf<TimelineLine> {
  const ids = new Set(list.items.map((line) => line.id));
  const fresh = incoming.filter((line) => !ids.has(line.id) && ids.add(line.id));
  return fresh.length === 0 ? list : { ...list, items: [...list.items, ...fresh] };
}

export function patchConnectors(
  list: PageOf<Connector>,
  incoming: ReadonlyMap<string, Connector>,
): PageOf<Connector> {
  if (incoming.size === 0) return list;
  const names = new Set(list.items.map((connector) => connector.name));
  const kept = list.items.map((known) => ({ ...known, ...incoming.get(known.name) }));
  const fresh = [...incoming.values()].filter((connector) => !names.has(connector.name));
  return { ...list, items: [...kept, ...fresh] };
}
