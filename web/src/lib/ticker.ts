/** One timer for every age on the page; it rests while the page is hidden. */
import { useSyncExternalStore } from "react";
import { clock } from "./clock";

const listeners = new Set<() => void>();
let second = Math.floor(Date.now() / 1000);
let timer: ReturnType<typeof setInterval> | undefined;

function tick(): void {
  second = Math.floor(Date.now() / 1000);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(tick, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The hub's time in ms; the component draws again each second. */
export function useNow(): number {
  const local = useSyncExternalStore(subscribe, () => second);
  return clock.now(local * 1000);
}
