import { describe, expect, test } from "vitest";
import { age, ago, between, delta, length, timeOfDay } from "./age";
import { Clock } from "./clock";

describe("age", () => {
  test.each([
    ["a clock that runs ahead reads now", -4_000, "now"],
    ["less than a second reads now", 999, "now"],
    ["seconds", 42_900, "42 s"],
    ["the last second of a minute", 59_999, "59 s"],
    ["the first minutes keep their seconds", 125_000, "2 min 05 s"],
    ["from ten minutes on minutes are enough", 14 * 60_000 + 59_000, "14 min"],
    ["hours keep two digits of minutes", 3 * 3_600_000 + 5 * 60_000, "3 h 05 min"],
    ["days", 52 * 3_600_000, "2 d 4 h"],
  ])("%s", (_, ms, expected) => expect(age(ms)).toBe(expected));

  test("an unknown time is a dash, not zero", () => expect(ago(null, 0)).toBe("–"));
  test("a known one says ago", () => expect(ago("1970-01-01T00:00:00Z", 42_000)).toBe("42 s ago"));
});

describe("length", () => {
  test.each([
    [0.04, "0.0 ms"],
    [3.14, "3.1 ms"],
    [9.96, "10 ms"],
    [520.4, "520 ms"],
    [999.7, "1.00 s"],
    [1_240, "1.24 s"],
    [59_996, "1 min 00 s"],
    [125_000, "2 min 05 s"],
    [-5, "0.0 ms"],
  ])("%d ms reads %s", (ms, expected) => expect(length(ms)).toBe(expected));
  test("between marks it has a sign", () => expect(delta(520)).toBe("+520 ms"));
});

describe("between", () => {
  test("keeps microseconds, which Date drops", () =>
    expect(between("2026-11-20T03:00:00.000250Z", "2026-11-20T03:00:00.001900Z")).toBeCloseTo(1.65, 6));
  test("reads a short fraction as what it is: .0015 is 1.5 ms", () =>
    expect(between("2026-11-20T03:00:00Z", "2026-11-20T03:00:00.0015Z")).toBeCloseTo(1.5, 6));
  test("runs backwards as a negative", () =>
    expect(between("2026-11-20T03:00:01.0Z", "2026-11-20T03:00:00.5Z")).toBe(-500));
});

test("UTC names itself", () => expect(timeOfDay("2026-11-20T03:12:07.9Z", true)).toBe("03:12:07 UTC"));

describe("clock", () => {
  const header = "Fri, 20 Nov 2026 03:04:00 GMT";
  const server = Date.parse(header);
  test("a laptop four minutes slow is corrected", () => {
    const clock = new Clock();
    clock.learn(header, server - 240_000);
    expect(clock.now(server - 240_000)).toBe(server);
  });
  test("a difference within the header's own precision is not", () => {
    const clock = new Clock();
    clock.learn(header, server + 1_500);
    expect(clock.now(server + 1_500)).toBe(server + 1_500);
  });
  test.each([null, "not a date"])("%s teaches nothing", (text) => {
    const clock = new Clock();
    clock.learn(text, 1);
    expect(clock.now(5)).toBe(5);
  });
});
