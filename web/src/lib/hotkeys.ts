/** Which key does what? All are off while the person writes, and a setting turns single keys off (WCAG 2.1.4). */
import { useEffect, useRef } from "react";
import { Setting } from "./store";

export const singleKeys = new Setting("tocsin-single-keys", true);

const WRITING = "input, textarea, select, [contenteditable]";

export function isWriting(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(WRITING) !== null;
}

/** The handler's name for the key, or null when it is not ours: a chord belongs to the browser. */
export function keyOf(event: KeyboardEvent): string | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing)
    return null;
  if (isWriting(event.target) || document.querySelector("dialog[open]")) return null;
  if (event.key === "Escape") return "esc";
  return singleKeys.get() ? event.key : null;
}

export function useHotkeys(keys: Record<string, () => void>): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const key = keyOf(event);
      const act = key === null ? undefined : latest.current[key];
      // A key held down walks through the list, but acknowledges once.
      if (!act || (event.repeat && key !== "j" && key !== "k")) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
