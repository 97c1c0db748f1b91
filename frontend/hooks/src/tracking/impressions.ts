/**
 * What of a slate was really seen. A slate is not an impression: it is reported once, when the shopper leaves it or has
 * seen all of it, with only the products that were at least half on the screen for half a second.
 */
import type { Tracker } from "./tracker.ts";

export const SEEN_RATIO = 0.5;
export const SEEN_AFTER_MS = 500;

interface Showing {
  surface: string;
  expected: number;
  seen: Map<string, number>;
}

export class Impressions {
  readonly #track: Tracker["track"];
  readonly #open = new Map<string, Showing>();
  readonly #reported = new Set<string>();

  constructor(track: Tracker["track"]) {
    this.#track = track;
  }

  /** A slate is on the page. `expected`: how many products it has. */
  open(decisionId: string, surface: string, expected: number): void {
    if (this.#reported.has(decisionId)) return;
    const showing = this.#open.get(decisionId);
    this.#open.set(decisionId, { surface, expected, seen: showing?.seen ?? new Map<string, number>() });
  }

  seen(decisionId: string, productId: string, position: number): void {
    const showing = this.#open.get(decisionId);
    if (showing === undefined) return;
    showing.seen.set(productId, position);
    if (showing.seen.size >= showing.expected) this.close(decisionId);
  }

  /** The shopper left the slate. Nothing seen means nothing to say. */
  close(decisionId: string): void {
    const showing = this.#open.get(decisionId);
    if (showing === undefined) return;
    this.#open.delete(decisionId);
    if (showing.seen.size === 0) return;
    this.#reported.add(decisionId);
    const products = [...showing.seen].map(([product_id, position]) => ({ product_id, position }));
    this.#track("recommendation_shown", { decision_id: decisionId, surface: showing.surface, products });
  }

  closeAll(): void {
    for (const decisionId of [...this.#open.keys()]) this.close(decisionId);
  }
}
