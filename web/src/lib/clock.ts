/**
 * What time is it at the hub? Ages are counted against the hub's clock, so that a laptop that is four minutes wrong
 * does not show an incident as four minutes younger.
 */

/** The Date header has whole seconds and arrives late: smaller differences say nothing. */
const TOLERANCE_MS = 5_000;

class Clock {
  private skew = 0;

  /** Learn from the Date header of any answer; unreadable ones are passed over. */
  learn(header: string | null, local: number = Date.now()): void {
    const server = header === null ? Number.NaN : Date.parse(header);
    if (Number.isNaN(server)) return;
    const skew = server - local;
    this.skew = Math.abs(skew) > TOLERANCE_MS ? skew : 0;
  }

  /** Milliseconds since 1970 at the hub. */
  now(local: number = Date.now()): number {
    return local + this.skew;
  }
}

export const clock = new Clock();
export { Clock };
