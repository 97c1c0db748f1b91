/**
 * Events that were not acknowledged yet, one stored key each: tabs that share the storage never overwrite each other,
 * and whatever a closed tab left is sent by the next one.
 */
import type { ShopEvent } from "../api/shapes.ts";
import { readJson, type KeyValue } from "../storage/keyValue.ts";

const PREFIX = "smartshop.event.";
/** About a megabyte of storage: beyond it the oldest go, for a shop that was unreachable through weeks of browsing. */
export const MAX_QUEUED = 2_000;

export interface QueuedEvent {
  key: string;
  event: ShopEvent;
}

export class EventQueue {
  readonly #storage: KeyValue;
  #count = 0;

  constructor(storage: KeyValue) {
    this.#storage = storage;
  }

  /** `event_id` must be set: the service counts an event once by it, however often it is sent. */
  add(event: ShopEvent, nowMs: number): void {
    this.#count += 1;
    const order = `${String(nowMs).padStart(15, "0")}.${String(this.#count).padStart(6, "0")}`;
    this.#storage.write(`${PREFIX}${order}.${event.event_id}`, JSON.stringify(event));
    const keys = this.#keys();
    for (const key of keys.slice(0, Math.max(0, keys.length - MAX_QUEUED))) this.#storage.remove(key);
  }

  /** The oldest events, at most `limit`. */
  oldest(limit: number): QueuedEvent[] {
    return this.#keys().slice(0, limit).flatMap((key) => {
      const event = readJson(this.#storage, key) as ShopEvent | null;
      if (event !== null) return [{ key, event }];
      this.#storage.remove(key);
      return [];
    });
  }

  /** Called only when the service has answered for these events. */
  settle(events: readonly QueuedEvent[]): void {
    for (const { key } of events) this.#storage.remove(key);
  }

  clear(): void {
    for (const key of this.#keys()) this.#storage.remove(key);
  }

  get size(): number {
    return this.#keys().length;
  }

  #keys(): string[] {
    return this.#storage.keys(PREFIX);
  }
}
