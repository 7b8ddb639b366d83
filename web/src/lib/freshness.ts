/** May the page say "live"? Only with evidence: an open stream and something heard a short while ago. */

export interface Link {
  /** The stream stands open. */
  connected: boolean;
  /** Failed attempts since it last stood open. */
  failures: number;
  /** When it broke (ms); null while it stands or before the first attempt ended. */
  downSince: number | null;
  /** Last time that anything came from the hub: an event or an answer (ms); null when never. */
  heardAt: number | null;
}

export const START: Link = { connected: false, failures: 0, downSince: null, heardAt: null };

/** After two failures the page asks by itself every 10 s. */
export const FAILURES_BEFORE_POLLING = 2;
export const POLL_MS = 10_000;
/** With the stream open the board is still checked once a minute: proxies keep dead connections open. */
export const SAFETY_MS = 60_000;
/** An answer older than this proves nothing about now. */
const LIVE_PROOF_MS = SAFETY_MS + 15_000;
const POLL_PROOF_MS = 2.5 * POLL_MS;

export type LinkEvent = { kind: "opened" | "heard" | "failed" | "answered"; at: number };

export function step(link: Link, event: LinkEvent): Link {
  const heardAt = Math.max(link.heardAt ?? 0, event.at);
  switch (event.kind) {
    case "opened":
      return { connected: true, failures: 0, downSince: null, heardAt };
    case "heard":
    case "answered":
      return { ...link, heardAt };
    case "failed":
      return {
        ...link,
        connected: false,
        failures: link.failures + 1,
        downSince: link.downSince ?? event.at,
      };
  }
}

export type Freshness =
  | { kind: "connecting" }
  | { kind: "live" }
  | { kind: "reconnecting"; since: number }
  | { kind: "polling"; heardAt: number }
  | { kind: "stale"; since: number | null };

export function freshness(link: Link, now: number): Freshness {
  const quiet = link.heardAt === null ? Number.POSITIVE_INFINITY : now - link.heardAt;
  if (link.connected)
    return quiet <= LIVE_PROOF_MS ? { kind: "live" } : { kind: "stale", since: link.heardAt };
  if (link.failures === 0) return { kind: "connecting" };
  if (quiet > POLL_PROOF_MS) return { kind: "stale", since: link.heardAt };
  if (link.failures < FAILURES_BEFORE_POLLING) return { kind: "reconnecting", since: link.downSince ?? now };
  return { kind: "polling", heardAt: link.heardAt ?? now };
}

export const isPolling = (link: Link): boolean => !link.connected && link.failures >= FAILURES_BEFORE_POLLING;

/** Waiting time before the next attempt (ms): 0.5 s, 1 s, 2 s ... 30 s, with up to a quarter of `chance` (0..1) added. */
export function retryIn(failures: number, chance: number): number {
  const base = Math.min(30_000, 500 * 2 ** Math.max(0, failures - 1));
  return base * (1 + chance / 4);
}
