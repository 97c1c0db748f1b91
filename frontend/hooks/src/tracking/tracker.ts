/** Says what the shopper did, in the service's words. Every event gets its id and time here, once. */
import { newId, sessionId } from "../identity/anonymousId.ts";
import type { EventKind, ShopEvent } from "../api/shapes.ts";
import type { KeyValue } from "../storage/keyValue.ts";
import type { EventQueue } from "./eventQueue.ts";
import type { EventSender } from "./eventSender.ts";

/** Where in the shop something was met: the surface, and the decision and place when a slate showed it. */
export interface Origin {
  surface?: string;
  decision_id?: string;
  position?: number;
}

export type EventDetails = Omit<ShopEvent, "kind" | "event_id" | "occurred_at" | "anonymous_id" | "session_id" | "context">;

/** These change what the shopper should see next, so they are sent at once; the rest may travel together. */
const URGENT: ReadonlySet<EventKind> = new Set<EventKind>([
  "product_viewed", "product_clicked", "recommendation_clicked", "product_added", "product_removed",
  "item_dismissed", "searched", "consent_changed",
]);
const URGENT_DELAY_MS = 30;
const CALM_DELAY_MS = 1_500;

export interface TrackerOptions {
  queue: EventQueue;
  sender: EventSender;
  storage: KeyValue;
  anonymousId: () => string;
  context: () => ShopEvent["context"];
  now?: () => number;
}

export class Tracker {
  readonly #options: TrackerOptions;
  readonly #now: () => number;

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  track(kind: EventKind, details: EventDetails = {}): void {
    const { queue, sender, storage, anonymousId, context } = this.#options;
    const now = this.#now();
    const event: ShopEvent = {
      ...details,
      kind,
      event_id: newId("e"),
      occurred_at: new Date(now).toISOString(),
      anonymous_id: anonymousId(),
      session_id: sessionId(storage, now),
      context: context() ?? null,
    };
    queue.add(event, now);
    sender.schedule(URGENT.has(kind) ? URGENT_DELAY_MS : CALM_DELAY_MS);
  }

  /** Sends what is left when the page goes, by whichever sign the browser gives first. Returns how to stop. */
  watchLeaving(page: Window & typeof globalThis): () => void {
    const leave = () => void this.#options.sender.flushOnLeave();
    const hide = () => page.document.visibilityState === "hidden" && leave();
    page.addEventListener("pagehide", leave);
    page.document.addEventListener("visibilitychange", hide);
    return () => {
      page.removeEventListener("pagehide", leave);
      page.document.removeEventListener("visibilitychange", hide);
    };
  }
}

/** What this browser knows of the moment. The service adds what it can see itself. */
export function browserContext(page: Window & typeof globalThis): ShopEvent["context"] {
  const width = page.innerWidth;
  const device = width < 640 ? "mobile" : width < 1024 ? "tablet" : "desktop";
  return { channel: "web", device, locale: page.navigator.language, page_url: page.location.href };
}
