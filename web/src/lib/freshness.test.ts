import { describe, expect, test } from "vitest";
import { freshness, isPolling, type Link, retryIn, START, step } from "./freshness";

const run = (...events: [Parameters<typeof step>[1]["kind"], number][]): Link =>
  events.reduce((link, [kind, at]) => step(link, { kind, at }), START);

describe("freshness", () => {
  test.each<[string, Link, number, string]>([
    ["before the first answer: connecting, not live", START, 0, "connecting"],
    ["an answer is not a stream", run(["answered", 10]), 20, "connecting"],
    ["an open stream is live", run(["opened", 10]), 20, "live"],
    ["an open stream without any word for long is not", run(["opened", 10]), 80_000, "stale"],
    ["a word keeps it live", run(["opened", 10], ["heard", 60_000]), 80_000, "live"],
    ["one failure: reconnecting", run(["opened", 10], ["failed", 1_000]), 3_000, "reconnecting"],
    [
      "two failures and answers: polling",
      run(["opened", 10], ["failed", 1_000], ["failed", 2_000], ["answered", 9_000]),
      12_000,
      "polling",
    ],
    [
      "two failures and silence: stale",
      run(["opened", 10], ["failed", 1_000], ["failed", 2_000]),
      30_000,
      "stale",
    ],
    ["never reached at all: stale", run(["failed", 1_000]), 2_000, "stale"],
  ])("%s", (_, link, now, kind) => expect(freshness(link, now).kind).toBe(kind));

  test("stale since the last word, not since the first failure", () =>
    expect(freshness(run(["opened", 10], ["heard", 500], ["failed", 9_000]), 60_000)).toEqual({
      kind: "stale",
      since: 500,
    }));
  test("an older piece of evidence does not make it older", () =>
    expect(run(["heard", 900], ["answered", 100]).heardAt).toBe(900));
  test("a stream that stands again forgets its failures", () =>
    expect(run(["failed", 1], ["failed", 2], ["opened", 3])).toEqual({
      connected: true,
      failures: 0,
      downSince: null,
      heardAt: 3,
    }));
  test("polling starts with the second failure", () => {
    expect(isPolling(run(["failed", 1]))).toBe(false);
    expect(isPolling(run(["failed", 1], ["failed", 2]))).toBe(true);
  });
});

test("attempts spread out and never exceed 37.5 s", () => {
  expect([1, 2, 3].map((failures) => retryIn(failures, 0))).toEqual([500, 1_000, 2_000]);
  expect(retryIn(50, 1)).toBe(37_500);
});
