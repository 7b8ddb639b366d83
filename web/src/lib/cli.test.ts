import { describe, expect, test } from "vitest";
import { command, quote, safeHref } from "./cli";
import { anIncident } from "./fixtures";
import { keyOf } from "./hotkeys";
import { sentence } from "./speak";

test("plain words stay plain", () => expect(command("ack", "INC-7")).toBe("im ack --incident INC-7"));
test("a note is one shell word, whatever it holds", () =>
  expect(command("note", "INC-7", "it's $(rm -rf) `x`")).toBe(
    `im note --incident INC-7 --note 'it'\\''s $(rm -rf) \`x\`'`,
  ));
test("an empty word is still a word", () => expect(quote("")).toBe("''"));

describe("safeHref", () => {
  test.each([
    ["https://pd.example/incidents/Q1", "https://pd.example/incidents/Q1"],
    ["javascript:alert(1)", null],
    ["data:text/html,x", null],
    ["", null],
    ["/relative", null],
  ])("%s", (address, expected) => expect(safeHref(address)).toBe(expected));
});

describe("keyOf", () => {
  const press = (target: HTMLElement, init: KeyboardEventInit) => {
    document.body.append(target);
    let key: string | null = "";
    const listen = (event: KeyboardEvent) => {
      key = keyOf(event);
    };
    document.addEventListener("keydown", listen, { once: true });
    target.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, ...init }));
    target.remove();
    return key;
  };
  test("a letter on the page is ours", () =>
    expect(press(document.createElement("div"), { key: "a" })).toBe("a"));
  test("a letter in a field is the writer's", () =>
    expect(press(document.createElement("input"), { key: "a" })).toBeNull());
  test("a chord is the browser's", () =>
    expect(press(document.createElement("div"), { key: "a", ctrlKey: true })).toBeNull());
});

describe("sentence", () => {
  test("one incident is named", () => expect(sentence([anIncident()])).toBe("SEV-1 opened: Database down"));
  test("a storm is counted, with the worst", () =>
    expect(sentence([anIncident({ severity: "low", sev: "SEV-4" }), anIncident({ number: 2 })])).toBe(
      "2 incidents opened, the worst SEV-1",
    ));
});
