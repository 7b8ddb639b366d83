/** Where did the time go between the alert and the answer? Logarithmic, since it runs from milliseconds to minutes. */
import { en } from "../../en";
import { delta } from "../../lib/age";
import { type Stop, ticks } from "../../lib/latency";

export function LatencyBar({ stops }: { stops: readonly Stop[] }) {
  const last = stops.at(-1);
  if (stops.length < 2 || !last) return null;
  const end = Math.max(10, ...stops.map((stop) => stop.since));
  return (
    <section className="panel" aria-labelledby="latency-title">
      <h2 id="latency-title">
        {en.incident.latency} <small>{en.incident.latencyNote}</small>
      </h2>
      <div className="bar-track" aria-hidden="true">
        {stops.slice(1).map((stop, index) => {
          const from = stops[index]?.place ?? 0;
          const width = Math.max(0, stop.place - from) * 100;
          return (
            <span
              key={stop.kind}
              className={`bar-part bar-part-${index % 2}`}
              style={{ left: `${from * 100}%`, width: `${width}%` }}
            />
          );
        })}
        {stops.map((stop) => (
          <span key={stop.kind} className="bar-stop" style={{ left: `${stop.place * 100}%` }} />
        ))}
      </div>
      <div className="bar-ticks" aria-hidden="true">
        {spread(ticks(end)).map((tick) => (
          <span key={tick.label} className="tabular" style={{ left: `${tick.place * 100}%` }}>
            {tick.label}
          </span>
        ))}
      </div>
      <ol className="bar-legend" data-testid="latency">
        {stops.map((stop, index) => (
          <li key={stop.kind}>
            <span>{en.stations[stop.kind]}</span>
            <b className="tabular">{index === 0 ? "0" : delta(stop.since)}</b>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Labels closer than this share of the width would overlap on a phone. */
const GAP = 0.14;

function spread(all: { place: number; label: string }[]): { place: number; label: string }[] {
  let last = -1;
  return all.filter((tick) => {
    if (tick.place - last < GAP || tick.place > 0.95) return false;
    last = tick.place;
    return true;
  });
}
