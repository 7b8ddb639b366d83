/** How does what the stream says reach what the page shows? */
import type { QueryClient } from "@tanstack/react-query";
import type { Connector, Incident, PageOf, Status, TimelineLine } from "../api/types";
import { recent } from "../lib/recent";
import {
  collect,
  patchConnectors,
  patchIncident,
  patchList,
  patchTimeline,
  type StreamEvent,
} from "../lib/reducer";
import { sayOpened } from "../lib/speak";
import { SharedStream } from "../lib/stream";
import { link } from "./link";
import { BOARDS, keys } from "./queries";

/** At most four drawings a second, however many events come. */
const EVERY_MS = 250;

export function startLive(client: QueryClient): SharedStream {
  let waiting: StreamEvent[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  // A first request that is still under way may have been answered before the stream stood: ask anew, do not wait for it.
  const refetch = () => void client.cancelQueries().then(() => client.invalidateQueries());

  const flush = () => {
    const events = waiting;
    waiting = [];
    if (events.length > 0) {
      apply(client, events);
      timer = setTimeout(flush, EVERY_MS);
    } else timer = undefined;
  };

  const stream = new SharedStream({
    event: (event) => {
      recent.add(event);
      waiting.push(event);
      // The first is drawn at once; those on its heels wait for the next quarter second.
      if (timer === undefined) timer = setTimeout(flush, 0);
    },
    opened: refetch,
    // An EventSource does not say why it failed; the board's request does (401, or no answer at all).
    failed: () => void client.invalidateQueries({ queryKey: ["incidents"] }),
    link: (state) => link.set(state),
  });
  stream.start();
  return stream;
}

export function apply(client: QueryClient, events: readonly StreamEvent[]): void {
  const batch = collect(events);
  announce(client, batch.incidents);
  for (const [show, statuses] of Object.entries(BOARDS)) {
    client.setQueryData<PageOf<Incident>>(
      keys.incidents(show as keyof typeof BOARDS),
      (list) => list && patchList(list, batch.incidents, statuses as readonly Status[]),
    );
  }
  for (const [name, incoming] of batch.incidents) {
    client.setQueryData<Incident>(keys.incident(name), (known) => known && patchIncident(known, incoming));
    void client.invalidateQueries({ queryKey: keys.alertsOf(name) });
  }
  for (const [name, lines] of batch.lines) {
    client.setQueryData<PageOf<TimelineLine>>(
      keys.timeline(name),
      (list) => list && patchTimeline(list, lines),
    );
  }
  client.setQueryData<PageOf<Connector>>(
    keys.connectors,
    (list) => list && patchConnectors(list, batch.connectors),
  );
  if (batch.incidents.size > 0) void client.invalidateQueries({ queryKey: keys.lastAlert });
  if (batch.reset) void client.invalidateQueries();
}

function announce(client: QueryClient, incoming: ReadonlyMap<string, Incident>): void {
  const board = client.getQueryData<PageOf<Incident>>(keys.incidents("active"));
  if (!board) return;
  const known = new Set(board.items.map((incident) => incident.name));
  sayOpened(
    [...incoming.values()].filter((incident) => incident.status === "open" && !known.has(incident.name)),
  );
}
