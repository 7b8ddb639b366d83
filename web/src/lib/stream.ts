/**
 * How do all tabs of one browser share one connection? A browser opens at most six connections per host over
 * HTTP/1.1, so the tab that holds a Web Lock listens and tells the others over a BroadcastChannel. When it closes,
 * the lock passes on. Without Web Locks (plain http to another machine is no secure context) each tab listens itself,
 * and a hidden tab lets go of its connection.
 */

import { type Link, type LinkEvent, retryIn, START, step } from "./freshness";
import { parseEvent, type StreamEvent } from "./reducer";

const NAME = "tocsin-stream-1";
/** The hub sends a ping each 15 s; a stream that pinged and then fell silent this long is dead. */
const SILENCE_MS = 40_000;
const HIDDEN_MS = 60_000;
/** A leader in a hidden tab may tick only once a minute; longer without a word and its tab is frozen or broken. */
const LEADER_LOST_MS = 90_000;

type Message =
  | { kind: "event"; event: StreamEvent }
  | { kind: "link"; connected: boolean; failures: number; heardAt: number | null }
  | { kind: "hello" };

export interface Listener {
  event(event: StreamEvent): void;
  /** The stream stands (again): what happened meanwhile is unknown, fetch. */
  opened(): void;
  failed(): void;
  link(link: Link): void;
}

export class SharedStream {
  private link: Link = START;
  private source: EventSource | null = null;
  private channel: BroadcastChannel | null = null;
  private leading = false;
  private pinged = false;
  private lastHeard = 0;
  private lastTold = Date.now();
  private retry: ReturnType<typeof setTimeout> | undefined;
  private letGo: ReturnType<typeof setTimeout> | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly listener: Listener,
    private readonly url = "/api/v1/stream",
  ) {}

  start(): void {
    if (typeof BroadcastChannel === "function") {
      this.channel = new BroadcastChannel(NAME);
      this.channel.onmessage = (message: MessageEvent<Message>) => this.told(message.data);
    }
    if (this.channel && navigator.locks) {
      this.tell({ kind: "hello" });
      const held = new Promise<void>((resolve) =>
        this.stopping.signal.addEventListener("abort", () => resolve()),
      );
      navigator.locks
        .request(NAME, { signal: this.stopping.signal }, () => {
          this.lead();
          return held;
        })
        .catch(() => undefined);
    } else {
      this.channel?.close();
      this.channel = null;
      this.lead();
      document.addEventListener("visibilitychange", this.visibility);
    }
    const watch = setInterval(() => this.watch(), 5_000);
    this.stopping.signal.addEventListener("abort", () => clearInterval(watch));
  }

  stop(): void {
    this.stopping.abort();
    clearTimeout(this.retry);
    clearTimeout(this.letGo);
    document.removeEventListener("visibilitychange", this.visibility);
    this.source?.close();
    this.channel?.close();
  }

  /** An answer of the hub by another way is evidence too. */
  answered(): void {
    this.move("answered");
  }

  private lead(): void {
    if (this.stopping.signal.aborted) return;
    this.leading = true;
    this.connect();
  }

  private connect(): void {
    clearTimeout(this.retry);
    this.source?.close();
    this.pinged = false;
    const source = new EventSource(this.url);
    this.source = source;
    source.onopen = () => this.opened();
    source.onerror = () => this.failed();
    source.addEventListener("ping", () => {
      this.pinged = true;
      this.heard();
      this.tellLink();
    });
    for (const name of ["incident", "timeline", "connector", "reset"]) {
      source.addEventListener(name, (message) => this.came(name, (message as MessageEvent<string>).data));
    }
  }

  private came(name: string, data: string): void {
    this.heard();
    const event = parseEvent(name, data);
    if (event === null) return;
    this.listener.event(event);
    this.tell({ kind: "event", event });
  }

  private heard(): void {
    this.lastHeard = Date.now();
    this.move("heard");
  }

  private opened(): void {
    this.lastHeard = Date.now();
    this.move("opened");
    this.listener.opened();
    this.tellLink();
  }

  /** The browser's own retry is not used: it gives up on any answer but 200, and a proxy answers 502 while the hub restarts. */
  private failed(): void {
    this.source?.close();
    this.source = null;
    this.move("failed");
    this.listener.failed();
    this.tellLink();
    this.retry = setTimeout(() => this.connect(), retryIn(this.link.failures, Math.random()));
  }

  private watch(): void {
    if (this.source && this.pinged && Date.now() - this.lastHeard > SILENCE_MS) this.failed();
    // A follower hears nothing of a quiet leader, so the leader repeats how it stands.
    if (this.leading) this.tellLink();
    else if (Date.now() - this.lastTold > LEADER_LOST_MS) this.lost();
    this.listener.link(this.link);
  }

  private lost(): void {
    this.lastTold = Date.now();
    this.move("failed");
    this.move("failed");
    this.listener.failed();
  }

  private readonly visibility = (): void => {
    clearTimeout(this.letGo);
    if (document.hidden) {
      this.letGo = setTimeout(() => {
        this.source?.close();
        this.source = null;
        clearTimeout(this.retry);
      }, HIDDEN_MS);
    } else if (this.source === null) this.connect();
  };

  private told(message: Message): void {
    if (message.kind === "hello") {
      if (this.leading) this.tellLink();
      return;
    }
    if (this.leading) return;
    this.lastTold = Date.now();
    if (message.kind === "event") {
      this.move("heard");
      this.listener.event(message.event);
      return;
    }
    if (message.heardAt !== null) this.move("answered", message.heardAt);
    if (message.connected && !this.link.connected) {
      this.move("opened");
      this.listener.opened();
    } else if (!message.connected && (this.link.connected || message.failures > this.link.failures)) {
      this.move("failed");
      this.listener.failed();
    }
  }

  private tellLink(): void {
    const { connected, failures, heardAt } = this.link;
    this.tell({ kind: "link", connected, failures, heardAt });
  }

  private tell(message: Message): void {
    this.channel?.postMessage(message);
  }

  private move(kind: LinkEvent["kind"], at: number = Date.now()): void {
    this.link = step(this.link, { kind, at });
    this.listener.link(this.link);
  }
}
