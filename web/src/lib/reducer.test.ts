import { describe, expect, test } from "vitest";
import { aConnector, aLine, anIncident } from "./fixtures";
import { overlay } from "./optimistic";
import { collect, isNewer, parseEvent, patchConnectors, patchList, patchTimeline } from "./reducer";

const later = "2026-11-20T03:00:01.000000Z";
const ACTIVE = ["open", "mitigated"] as const;
const page = <T>(...items: T[]) => ({ items, next_cursor: null });
const only = (incident: ReturnType<typeof anIncident>) => new Map([[incident.name, incident]]);

describe("parseEvent", () => {
  test("an unknown kind is passed over: a newer hub may send more", () =>
    expect(parseEvent("rota", "{}")).toBeNull());
  test("a cut body is passed over", () => expect(parseEvent("incident", '{"na')).toBeNull());
  test("null is no incident", () => expect(parseEvent("incident", "null")).toBeNull());
  test("reset needs no body", () => expect(parseEvent("reset", "")).toEqual({ name: "reset", data: null }));
});

describe("collect", () => {
  test("keeps the newest of each incident, even out of order", () => {
    const batch = collect([
      { name: "incident", data: anIncident({ updated_at: later, title: "new" }) },
      { name: "incident", data: anIncident({ title: "old" }) },
    ]);
    expect(batch.incidents.get("INC-1")?.title).toBe("new");
  });
  test("gathers lines by incident and remembers a reset", () => {
    const batch = collect([
      { name: "timeline", data: { ...aLine(1, later), incident: "INC-1" } },
      { name: "reset", data: null },
      { name: "timeline", data: { ...aLine(2, later), incident: "INC-1" } },
    ]);
    expect(batch.lines.get("INC-1")?.map((line) => line.id)).toEqual([1, 2]);
    expect(batch.reset).toBe(true);
  });
});

describe("patchList", () => {
  test("a new open incident comes", () =>
    expect(patchList(page(anIncident()), only(anIncident({ number: 2 })), ACTIVE).items).toHaveLength(2));
  test("a resolved one leaves the board of the active", () =>
    expect(
      patchList(page(anIncident()), only(anIncident({ status: "resolved", updated_at: later })), ACTIVE)
        .items,
    ).toHaveLength(0));
  test("an old echo does not undo an acknowledgement", () => {
    const acknowledged = anIncident({ status: "mitigated", updated_at: later });
    expect(patchList(page(acknowledged), only(anIncident()), ACTIVE).items[0]?.status).toBe("mitigated");
  });
  test("nothing changed is the same object, so nothing draws", () => {
    const list = page(anIncident({ updated_at: later }));
    expect(patchList(list, only(anIncident()), ACTIVE)).toBe(list);
  });
});

describe("isNewer", () => {
  test.each([
    ["by microseconds", "2026-11-20T03:00:00.000002Z", "2026-11-20T03:00:00.000001Z", true],
    ["not by microseconds", "2026-11-20T03:00:00.000001Z", "2026-11-20T03:00:00.000002Z", false],
    [
      "a second without fraction is not before itself",
      "2026-11-20T03:00:00Z",
      "2026-11-20T03:00:00.000000Z",
      true,
    ],
  ])("%s", (_, a, b, expected) =>
    expect(isNewer(anIncident({ updated_at: a }), anIncident({ updated_at: b }))).toBe(expected),
  );
});

test("a line that came twice stands once", () => {
  const list = page(aLine(1, later));
  expect(patchTimeline(list, [aLine(1, later)])).toBe(list);
  expect(patchTimeline(list, [aLine(2, later), aLine(2, later)]).items).toHaveLength(2);
});

test("a connector's change is merged, a new one added", () => {
  const broken = aConnector({ queue: 4 });
  const list = patchConnectors(
    page(aConnector()),
    new Map([
      ["pd", broken],
      ["og", aConnector({ name: "og" })],
    ]),
  );
  expect(list.items.map((connector) => [connector.name, connector.queue])).toEqual([
    ["pd", 4],
    ["og", 0],
  ]);
});

describe("overlay", () => {
  test("an acknowledgement under way reads Acknowledged", () =>
    expect(overlay(anIncident(), { name: "INC-1", act: "acknowledge" }).status_shown).toBe("Acknowledged"));
  test("it does not reopen what was resolved meanwhile", () => {
    const resolved = anIncident({ status: "resolved" });
    expect(overlay(resolved, { name: "INC-1", act: "acknowledge" })).toBe(resolved);
  });
});
