/** Is what I see true now? In the header always, as a band across the page when not. */

import { link } from "../app/link";
import { en } from "../en";
import { age, timeOfDay } from "../lib/age";
import { type Freshness, freshness } from "../lib/freshness";
import { useStore } from "../lib/store";
import { useNow } from "../lib/ticker";
import { utc } from "./Time";

function useFreshness(): { state: Freshness; local: number } {
  const current = useStore(link);
  useNow();
  const local = Date.now();
  return { state: freshness(current, local), local };
}

function words(state: Freshness, local: number, inUtc: boolean): string {
  switch (state.kind) {
    case "connecting":
      return en.fresh.connecting;
    case "live":
      return en.fresh.live;
    case "reconnecting":
      return en.fresh.reconnecting(age(Math.max(1000, local - state.since)));
    case "polling":
      return en.fresh.polling(age(local - state.heardAt));
    case "stale":
      return state.since === null ? en.fresh.stale("–") : en.fresh.stale(timeOfDay(state.since, inUtc));
  }
}

export function FreshnessBadge() {
  const { state, local } = useFreshness();
  const inUtc = useStore(utc);
  const title = state.kind === "polling" ? en.fresh.pollingHint : undefined;
  return (
    <span className={`fresh fresh-${state.kind}`} data-testid="freshness" title={title}>
      <span className="fresh-dot" aria-hidden="true" />
      <span className="tabular">{words(state, local, inUtc)}</span>
    </span>
  );
}

export function StaleBand() {
  const { state } = useFreshness();
  const inUtc = useStore(utc);
  if (state.kind !== "stale") return null;
  return (
    <div className="band band-stale" data-testid="stale-band">
      {state.since === null ? en.fresh.neverBand : en.fresh.staleBand(timeOfDay(state.since, inUtc))}
    </div>
  );
}
