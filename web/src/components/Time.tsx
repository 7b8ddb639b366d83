/** Ages that tick and times that say their zone. */
import { age, ago, dateTime, timeOfDay } from "../lib/age";
import { Setting, useStore } from "../lib/store";
import { useNow } from "../lib/ticker";

export const utc = new Setting("tocsin-utc", false);

export function Age({ at }: { at: string }) {
  const now = useNow();
  const inUtc = useStore(utc);
  return (
    <time className="tabular" dateTime={at} title={dateTime(at, inUtc)}>
      {age(now - Date.parse(at))}
    </time>
  );
}

export function Ago({ at }: { at: string | null }) {
  const now = useNow();
  const inUtc = useStore(utc);
  if (at === null) return <span>–</span>;
  return (
    <time className="tabular" dateTime={at} title={dateTime(at, inUtc)}>
      {ago(at, now)}
    </time>
  );
}

export function At({ at, full = false }: { at: string; full?: boolean }) {
  const inUtc = useStore(utc);
  return (
    <time className="tabular" dateTime={at} title={dateTime(at, inUtc)}>
      {full ? dateTime(at, inUtc) : timeOfDay(at, inUtc)}
    </time>
  );
}
