import { describe, expect, test } from "vitest";
import type { Incident } from "../api/types";
import { anIncident } from "./fixtures";
import { count, matches, ordered, settle } from "./order";

const names = (items: readonly Incident[]) => items.map((item) => item.name);

describe("order", () => {
  test("active before done, then the worst, then what nobody has, then the newest", () => {
    const items = [
      anIncident({ number: 1, status: "resolved" }),
      anIncident({ number: 2, severity: "low", opened_at: "2026-11-20T05:00:00Z" }),
      anIncident({ number: 3, status: "mitigated" }),
      anIncident({ number: 4, opened_at: "2026-11-20T02:00:00Z" }),
      anIncident({ number: 5, opened_at: "2026-11-20T04:00:00Z" }),
    ];
    expect(names(ordered(items))).toEqual(["INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]);
  });
  test("two of the same moment keep one order, whichever way they came", () => {
    const two = [anIncident({ number: 1 }), anIncident({ number: 2 })];
    expect(names(ordered(two))).toEqual(names(ordered(two.reverse())));
  });
});

describe("settle", () => {
  const sorted = [9, 1, 2].map((number) => anIncident({ number }));
  test("at the top everything shows", () =>
    expect(settle(sorted, ["INC-1", "INC-2"], false)).toEqual({ rows: sorted, waiting: [] }));
  test("under a finger rows stay and newcomers wait", () => {
    const { rows, waiting } = settle(sorted, ["INC-2", "INC-1"], true);
    expect(names(rows)).toEqual(["INC-2", "INC-1"]);
    expect(names(waiting)).toEqual(["INC-9"]);
  });
  test("what is gone leaves even then", () =>
    expect(names(settle(sorted, ["INC-7", "INC-1"], true).rows)).toEqual(["INC-1"]));
});

test("counts are of what is active", () =>
  expect(
    count([
      anIncident(),
      anIncident({ number: 2, status: "mitigated" }),
      anIncident({ number: 3, status: "closed" }),
    ]),
  ).toEqual({ active: 2, unacknowledged: 1, acknowledged: 1 }));

describe("filter", () => {
  const incident = anIncident({
    title: "Replication lag: 94 s",
    team: "infra",
    status: "mitigated",
    status_shown: "Acknowledged",
  });
  test.each([
    ["nothing matches all", "", true],
    ["both spellings of severity", "severity:sev-1 severity:critical", true],
    ["a digit is a severity too", "sev:1", true],
    ["the word people read for mitigated", "status:acknowledged", true],
    ["a part of a service", "service:pay", true],
    ["every part must match", "service:pay team:apps", false],
    ["words in the title", "replication LAG", true],
    ["an unknown key is a word", "lag:", true],
    ["a word that is nowhere", "kafka", false],
  ])("%s", (_, filter, expected) => expect(matches(incident, filter)).toBe(expected));
});
