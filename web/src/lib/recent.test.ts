import { expect, test } from "vitest";
import { anIncident } from "./fixtures";
import { Recent, upToDate } from "./recent";
import { patchList } from "./reducer";

const ACTIVE = ["open", "mitigated"] as const;
const told = (number: number, status: "open" | "mitigated" | "resolved") => ({
  name: "incident" as const,
  data: anIncident({ number, status, updated_at: "2026-11-20T03:00:01.000000Z" }),
});
const asked = async (log: Recent, meanwhile: () => void) =>
  upToDate(
    async () => {
      meanwhile();
      return {
        items: [anIncident({ number: 1 }), anIncident({ number: 2 })],
        next_cursor: null as string | null,
      };
    },
    (answer, batch) => patchList(answer, batch.incidents, ACTIVE),
    log,
  );

test("an answer that an event overtook does not take the event back", async () => {
  const log = new Recent();
  const answer = await asked(log, () => {
    log.add(told(1, "mitigated"));
    log.add(told(2, "resolved"));
    log.add(told(3, "open"));
  });
  expect(answer.items.map((item) => [item.name, item.status])).toEqual([
    ["INC-1", "mitigated"],
    ["INC-3", "open"],
  ]);
});

test("what was told before the question is in the answer already", async () => {
  const log = new Recent();
  log.add(told(9, "open"));
  expect((await asked(log, () => undefined)).items).toHaveLength(2);
});

test("a storm is forgotten from its old end", () => {
  const log = new Recent();
  const mark = log.mark();
  for (let number = 0; number < 2_500; number += 1) log.add(told(number, "open"));
  expect(log.since(mark).incidents.size).toBe(2_000);
  expect(log.since(log.mark()).incidents.size).toBe(0);
});
