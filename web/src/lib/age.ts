/** How long ago, in the fewest letters that a person reads at a glance. */

/** `ms` of age as "now", "42 s", "14 min", "3 h 05 min", "2 d 4 h". Negative ages (clocks differ) read "now". */
export function age(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return `${minutes} min ${String(seconds % 60).padStart(2, "0")} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** "14 min ago", "now"; "–" for an unknown time. */
export function ago(iso: string | null, now: number): string {
  if (iso === null) return "–";
  const text = age(now - Date.parse(iso));
  return text === "now" ? text : `${text} ago`;
}

/** A length of time: "3.1 ms", "520 ms", "1.24 s", "2 min 05 s". Negative lengths (clocks differ) read "0.0 ms". */
export function length(ms: number): string {
  const size = Math.max(0, ms);
  if (size < 9.95) return `${size.toFixed(1)} ms`;
  if (size < 999.5) return `${Math.round(size)} ms`;
  if (size < 59_995) return `${(size / 1000).toFixed(2)} s`;
  return age(Math.max(60_000, size));
}

/** The same between two marks: "+520 ms". */
export const delta = (ms: number): string => `+${length(ms)}`;

/** The time of day with milliseconds kept out: "03:12:07", in UTC or in the viewer's zone. */
export function timeOfDay(at: string | number, utc: boolean): string {
  const options: Intl.DateTimeFormatOptions = {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  };
  if (utc) options.timeZone = "UTC";
  return new Intl.DateTimeFormat("en-GB", options).format(new Date(at)) + (utc ? " UTC" : "");
}

/** Day and time, "20 Nov 2026, 03:12:07 UTC" or with the viewer's zone named. */
export function dateTime(at: string | number, utc: boolean): string {
  const options: Intl.DateTimeFormatOptions = {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  };
  if (utc) options.timeZone = "UTC";
  return new Intl.DateTimeFormat("en-GB", options).format(new Date(at));
}

/** Timestamps carry microseconds, Date only milliseconds: the difference in ms with the fraction kept. */
export function between(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from) + (micros(to) - micros(from)) / 1000;
}

function micros(iso: string): number {
  const digits = /\.\d{3}(\d{1,3})/.exec(iso)?.[1];
  return digits ? Number(digits.padEnd(3, "0")) : 0;
}
