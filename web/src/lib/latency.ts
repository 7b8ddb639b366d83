/** Where did the time go between the first event and the last mark? Marks for the timeline and the latency bar. */
import type { TimelineLine } from "../api/types";
import { between } from "./age";

export interface Mark {
  line: TimelineLine;
  /** Milliseconds since the first line. */
  since: number;
  /** Milliseconds since the line before. */
  step: number;
}

/** Lines in order of time (then id), each with its distance to the first and to the one before. */
export function marks(lines: readonly TimelineLine[]): Mark[] {
  const sorted = [...lines].sort((a, b) => between(b.at, a.at) || a.id - b.id);
  const first = sorted[0];
  if (first === undefined) return [];
  return sorted.map((line, index) => ({
    line,
    since: between(first.at, line.at),
    step: index === 0 ? 0 : between((sorted[index - 1] as TimelineLine).at, line.at),
  }));
}

/** The stations of the bar: the first line of each kind, in the order in which an alert meets them. */
const STATIONS = [
  "alert_received",
  "alert_classified",
  "alert_routed",
  "incident_opened",
  "page_requested",
  "page_accepted",
  "page_created",
  "page_notified",
  "acknowledged",
  "resolved",
] as const;
export type Station = (typeof STATIONS)[number];

export interface Stop {
  kind: Station;
  since: number;
  /** 0 to 1 on a logarithmic scale from 1 ms to the last stop. */
  place: number;
}

export function stops(all: readonly Mark[]): Stop[] {
  const found = STATIONS.flatMap((kind) => {
    const mark = all.find((candidate) => candidate.line.kind === kind);
    return mark ? [{ kind, since: mark.since }] : [];
  });
  const end = Math.max(10, ...found.map((stop) => stop.since));
  return found.map((stop) => ({ ...stop, place: place(stop.since, end) }));
}

/** 1 ms is the left edge; below it there is nothing to see. */
export function place(ms: number, end: number): number {
  return ms <= 1 ? 0 : Math.min(1, Math.log10(ms) / Math.log10(end));
}

/** The powers of ten between 1 ms and the end, with the words for them. */
export function ticks(end: number): { place: number; label: string }[] {
  const all: [number, string][] = [
    [1, "1 ms"],
    [10, "10 ms"],
    [100, "100 ms"],
    [1_000, "1 s"],
    [10_000, "10 s"],
    [60_000, "1 min"],
    [600_000, "10 min"],
    [3_600_000, "1 h"],
    [86_400_000, "1 d"],
  ];
  return all.filter(([ms]) => ms <= end).map(([ms, label]) => ({ place: place(ms, end), label }));
}
