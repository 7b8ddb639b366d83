/** A value outside React that components can watch. */
import { useSyncExternalStore } from "react";

export class Store<T> {
  private readonly listeners = new Set<() => void>();
  constructor(private value: T) {}

  readonly get = (): T => this.value;

  set(value: T): void {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const listener of this.listeners) listener();
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}

/** A yes or no that the browser remembers; storage may be forbidden, then it lasts as long as the page. */
export class Setting extends Store<boolean> {
  constructor(
    private readonly key: string,
    fallback: boolean,
  ) {
    super(read(key) ?? fallback);
  }

  override set(value: boolean): void {
    super.set(value);
    try {
      localStorage.setItem(this.key, value ? "1" : "0");
    } catch {
      // Kept for this page only.
    }
  }
}

function read(key: string): boolean | null {
  try {
    const text = localStorage.getItem(key);
    return text === null ? null : text === "1";
  } catch {
    return null;
  }
}
