// Keeps one event stream open: reconnects with backoff, resumes after the last id, rests while nobody
// looks, and says when polling has to do its work.
import { ApiError } from "../api/problem.js";
import type { Client } from "../api/client.js";
import { readEvents, type ServerEvent } from "./sse.js";

export type StreamState = "connecting" | "live" | "polling" | "resting";

const SILENCE_MS = 40_000; // the server says something every 15 s
const REST_AFTER_MS = 30_000; // a hidden tab gives its connection back: browsers have few per host
const MAX_BACKOFF_MS = 30_000;

/** Who follows a stream. */
export interface Listener {
  heard(event: ServerEvent): void;
  /** The project changed in a way that is no event of its own. */
  changed(): void;
  /** `caughtUp`: what happened meanwhile may have been missed. */
  became(state: StreamState, caughtUp: boolean): void;
  failed(error: unknown): void;
}

export class Stream {
  state: StreamState = "connecting";
  private lastId = "";
  private failures = 0;
  private stopped = false;
  private abort: AbortController | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private restTimer: ReturnType<typeof setTimeout> | undefined;
  private watchdog: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly client: Client,
    private readonly listener: Listener,
  ) {}

  start(): void {
    document.addEventListener("visibilitychange", this.visibility);
    addEventListener("online", this.hurry);
    addEventListener("offline", this.lose);
    void this.open();
  }

  stop(): void {
    this.stopped = true;
    document.removeEventListener("visibilitychange", this.visibility);
    removeEventListener("online", this.hurry);
    removeEventListener("offline", this.lose);
    clearTimeout(this.restTimer);
    this.close();
  }

  private close(): void {
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.abort?.abort();
    this.abort = undefined;
  }

  private readonly visibility = (): void => {
    clearTimeout(this.restTimer);
    if (document.hidden) this.restTimer = setTimeout(() => this.rest(), REST_AFTER_MS);
    else this.hurry();
  };

  private rest(): void {
    this.close();
    this.become("resting");
  }

  private readonly hurry = (): void => {
    if (this.stopped || this.state === "live") return;
    this.close();
    void this.open();
  };

  /** The browser says that there is no network: an open stream would only be silent. */
  private readonly lose = (): void => {
    if (this.stopped || this.state === "resting") return;
    this.close();
    this.later();
    this.become("polling");
  };

  private become(state: StreamState, caughtUp = false): void {
    if (this.state === state && !caughtUp) return;
    this.state = state;
    this.listener.became(state, caughtUp);
  }

  private async open(): Promise<void> {
    const abort = (this.abort = new AbortController());
    try {
      const headers: Record<string, string> = { Accept: "text/event-stream" };
      if (this.lastId) headers["Last-Event-ID"] = this.lastId;
      const response = await this.client.request("GET", "events", undefined, { headers, signal: abort.signal });
      if (!response.body || !response.headers.get("content-type")?.startsWith("text/event-stream")) throw new Error();
      const resumed = this.failures > 0 || this.state === "resting";
      this.failures = 0;
      this.become("live", resumed);
      this.watch(abort);
      await readEvents(response.body, (event) => this.heard(event, abort));
    } catch (error) {
      if (abort.signal.aborted && this.abort !== abort) return;
      if (error instanceof ApiError && [401, 403, 404].includes(error.problem.status ?? 0)) return this.listener.failed(error);
    }
    if (!this.stopped && this.abort === abort) this.later();
  }

  private heard(event: ServerEvent | string, abort: AbortController): void {
    this.watch(abort);
    if (typeof event === "string") return event === "changed" ? this.listener.changed() : undefined;
    if (event.id) this.lastId = event.id;
    this.listener.heard(event);
  }

  private watch(abort: AbortController): void {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => abort.abort(), SILENCE_MS);
  }

  /** Tries again, later each time; polling bridges the time from the second failure on. */
  private later(): void {
    this.failures += 1;
    clearTimeout(this.watchdog);
    this.become(this.failures > 1 ? "polling" : "connecting");
    const backoff = Math.min(500 * 2 ** this.failures, MAX_BACKOFF_MS);
    this.timer = setTimeout(() => void this.open(), backoff * (0.75 + Math.random() / 2));
  }
}
