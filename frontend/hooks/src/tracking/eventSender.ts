/** Sends the queue in batches until the service has answered for every event. Nothing leaves the queue before that. */
import { retryAfterMs } from "../api/problem.ts";
import type { ShopEvent } from "../api/shapes.ts";
import type { EventQueue, QueuedEvent } from "./eventQueue.ts";

const MAX_BATCH = 200;
/** Browsers allow 64 KiB of keep-alive bodies in flight; the rest is for headers and other senders. */
const KEEPALIVE_BYTES = 56_000;
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 60_000;
/** "Send it later": time-outs, overload, faults, and a key that was exchanged while we were away. */
const RETRIED = new Set([401, 403, 404, 408, 425, 429]);

export interface EventSenderOptions {
  queue: EventQueue;
  url: string;
  publishableKey: () => Promise<string>;
  /** Called with the events that the service has just made durable. */
  acknowledged: (events: ShopEvent[]) => void;
  /** Called when the key was refused, so that a new one can be looked up. */
  keyRefused?: () => void;
  fetch?: typeof fetch;
  now?: () => number;
  random?: () => number;
  exclusively?: (work: () => Promise<void>) => Promise<void>;
}

export class EventSender {
  readonly #options: Required<EventSenderOptions>;
  #batchLimit = MAX_BATCH;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #dueAt = Infinity;
  #notBefore = 0;
  #running: Promise<void> | null = null;

  constructor(options: EventSenderOptions) {
    this.#options = {
      keyRefused: () => undefined,
      fetch: (...args) => globalThis.fetch(...args),
      now: Date.now,
      random: Math.random,
      exclusively: oneTabAtATime,
      ...options,
    };
  }

  /** Sends within `delayMs`, later only when the service asked for a pause. */
  schedule(delayMs: number): void {
    const now = this.#options.now();
    const dueAt = Math.max(now + delayMs, this.#notBefore);
    if (this.#timer !== null && this.#dueAt <= dueAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#dueAt = dueAt;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.flush();
    }, dueAt - now);
  }

  /** Sends all that is queued; resolves when the queue is empty or the service wants a pause. */
  flush(): Promise<void> {
    this.#running ??= this.#options
      .exclusively(() => this.#drain())
      .finally(() => {
        this.#running = null;
        if (this.#options.queue.size > 0) this.schedule(0);
      });
    return this.#running;
  }

  /** The page is going: hand over what fits. What is not answered stays queued, and is counted once by its id. */
  async flushOnLeave(): Promise<void> {
    const events = fitting(this.#options.queue.oldest(MAX_BATCH), KEEPALIVE_BYTES);
    if (events.length === 0) return;
    try {
      const response = await this.#post(events, { keepalive: true });
      if (response.status === 202) this.#settle(events);
    } catch {
      // The page has gone, or the network has: the next page sends them.
    }
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #drain(): Promise<void> {
    for (;;) {
      const batch = this.#options.queue.oldest(this.#batchLimit);
      if (batch.length === 0) return;
      const response = await this.#post(batch, {}).catch(() => null);
      if (!this.#take(response, batch)) return;
    }
  }

  /** Applies one answer; false when the service should be left alone for a while. */
  #take(response: Response | null, batch: QueuedEvent[]): boolean {
    const status = response?.status ?? 503;
    if (status === 202) {
      this.#failures = 0;
      this.#settle(batch);
      return true;
    }
    if (status >= 500 || RETRIED.has(status)) {
      if (status === 401 || status === 403) this.#options.keyRefused();
      this.#pause(retryAfterMs(response?.headers.get("Retry-After") ?? null, this.#options.now()));
      return false;
    }
    // Too large or unreadable as a batch: halve it until the one bad event stands alone, and let only that one go.
    if (batch.length === 1) this.#options.queue.settle(batch);
    this.#batchLimit = batch.length === 1 ? MAX_BATCH : Math.max(1, Math.floor(batch.length / 2));
    return true;
  }

  #settle(batch: QueuedEvent[]): void {
    this.#options.queue.settle(batch);
    this.#options.acknowledged(batch.map(({ event }) => event));
  }

  #pause(askedMs: number | null): void {
    const backOff = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    const waitMs = askedMs ?? backOff * (0.5 + this.#options.random() / 2);
    this.#notBefore = this.#options.now() + waitMs;
  }

  async #post(batch: QueuedEvent[], init: RequestInit): Promise<Response> {
    const response = await this.#options.fetch(this.#options.url, {
      ...init,
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${await this.#options.publishableKey()}` },
      body: JSON.stringify({ events: batch.map(({ event }) => event) }),
    });
    await response.arrayBuffer(); // Browsers hold the connection until an answer is read to its end.
    return response;
  }
}

function fitting(events: QueuedEvent[], bytes: number): QueuedEvent[] {
  let total = 0;
  return events.filter(({ event }) => (total += new Blob([JSON.stringify(event)]).size + 1) <= bytes);
}

/** Tabs share one queue: whoever holds the lock sends, so that the same event is not on its way twice. */
async function oneTabAtATime(work: () => Promise<void>): Promise<void> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks;
  if (locks === undefined) return work(); // Plain HTTP on a LAN has no locks; the service counts once by event_id.
  await locks.request("smartshop.events", work);
}
