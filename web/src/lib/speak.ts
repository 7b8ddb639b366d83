/** What does a screen reader hear? One polite region; a storm is one sentence, at most every three seconds. */
import type { Incident } from "../api/types";
import { en } from "../en";
import { severityRank } from "./order";
import { Store } from "./store";

export const spoken = new Store("");
const EVERY_MS = 3_000;

let waiting: Incident[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

export function say(text: string): void {
  // The same sentence twice would not be read again.
  spoken.set(spoken.get() === text ? `${text}\u00a0` : text);
}

export function sentence(opened: readonly Incident[]): string {
  const worst = [...opened].sort((a, b) => severityRank(a.severity) - severityRank(b.severity))[0];
  if (worst === undefined) return "";
  return opened.length === 1
    ? en.say.opened(worst.sev, worst.title)
    : en.say.openedMany(opened.length, worst.sev);
}

export function sayOpened(opened: readonly Incident[]): void {
  if (opened.length === 0) return;
  waiting.push(...opened);
  if (timer !== undefined) return;
  say(sentence(waiting));
  waiting = [];
  timer = setTimeout(() => {
    timer = undefined;
    const rest = waiting;
    waiting = [];
    sayOpened(rest);
  }, EVERY_MS);
}
