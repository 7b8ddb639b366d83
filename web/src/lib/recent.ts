/**
 * An answer may be older than an event that overtook it: asked, changed, told, and only then answered. What came
 * since the question was put is therefore applied to the answer again.
 */
import { type Batch, collect, type StreamEvent } from "./reducer";

/** More than a storm brings while one request is under way. */
const KEPT = 2_000;

export class Recent {
  private events: StreamEvent[] = [];
  private forgotten = 0;

  add(event: StreamEvent): void {
    this.events.push(event);
    if (this.events.length <= KEPT) return;
    this.events.shift();
    this.forgotten += 1;
  }

  /** A place in the sequence of events, for `since`. */
  mark(): number {
    return this.forgotten + this.events.length;
  }

  since(mark: number): Batch {
    return collect(this.events.slice(Math.max(0, mark - this.forgotten)));
  }
}

export const recent = new Recent();

/** Ask, then bring the answer up to what has been told meanwhile. */
export async function upToDate<T>(
  ask: () => Promise<T>,
  patch: (answer: T, batch: Batch) => T,
  log: Recent = recent,
): Promise<T> {
  const mark = log.mark();
  const answer = await ask();
  return patch(answer, log.since(mark));
}
