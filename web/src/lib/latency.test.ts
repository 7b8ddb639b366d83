import { describe, expect, test } from "vitest";
import { aLine } from "./fixtures";
import { marks, place, stops, ticks } from "./latency";

const at = (ms: number) => new Date(Date.parse("2026-11-20T03:00:00Z") + ms).toISOString();
const lines = [
  aLine(3, at(500), "page_accepted"),
  aLine(1, at(0), "alert_received"),
  aLine(2, at(5), "incident_opened"),
];

test("marks stand in order of time with both distances", () =>
  expect(marks(lines).map(({ line, since, step }) => [line.id, since, step])).toEqual([
    [1, 0, 0],
    [2, 5, 5],
    [3, 500, 495],
  ]));
test("lines of one moment stand in order of their number", () =>
  expect(marks([aLine(2, at(0)), aLine(1, at(0))]).map((mark) => mark.line.id)).toEqual([1, 2]));
test("no lines, no marks", () => expect(marks([])).toEqual([]));

describe("stops", () => {
  test("run from the left edge to the right edge", () => {
    const found = stops(marks(lines));
    expect(found.map((stop) => stop.kind)).toEqual(["alert_received", "incident_opened", "page_accepted"]);
    expect([found[0]?.place, found[2]?.place]).toEqual([0, 1]);
  });
  test("the first of a kind counts: the second acceptance changes nothing", () =>
    expect(stops(marks([...lines, aLine(9, at(900), "page_accepted")])).at(-1)?.since).toBe(500));
});

test("10 ms stands halfway to 100 ms", () => expect(place(10, 100)).toBe(0.5));
test("ticks end where the bar ends", () =>
  expect(ticks(1_000).map((tick) => tick.label)).toEqual(["1 ms", "10 ms", "100 ms", "1 s"]));
