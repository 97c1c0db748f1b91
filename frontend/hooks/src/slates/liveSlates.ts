/**
 * The newest slate of every place on the page. The line brings them; while it is down they are fetched, at first and after
 * each acknowledged event, so that the rows follow the shopper either way.
 */
import type { Slate, SlateItem } from "../api/shapes.ts";
import type { Frame, SlateFrame } from "./frames.ts";
import type { ShopperSocket } from "./shopperSocket.ts";

/** How long a row waits for the line before it asks over HTTP. */
const LINE_PATIENCE_MS = 600;

export interface Question {
  surface: "home" | "product" | "basket" | "order";
  limit: number;
  product_id?: string;
  basket?: string[];
}

export interface ShownSlate {
  decisionId: string;
  surface: string;
  items: SlateItem[];
  /** Counts what this page received: 1 for the first, more for every change while open. */
  revision: number;
}

export interface SlatePlace {
  slate: ShownSlate | null;
  error: Error | null;
}

interface Place {
  question: Question;
  state: SlatePlace;
  version: number;
  asked: number;
  /** The question is new or was changed, and nobody has answered it yet. */
  isWaiting: boolean;
  users: number;
  patience: ReturnType<typeof setTimeout> | null;
}

const EMPTY: SlatePlace = { slate: null, error: null };

export class LiveSlates {
  readonly #socket: ShopperSocket;
  readonly #fetchSlate: (question: Question) => Promise<Slate>;
  readonly #places = new Map<string, Place>();
  readonly #listeners = new Set<() => void>();

  constructor(socket: ShopperSocket, fetchSlate: (question: Question) => Promise<Slate>) {
    this.#socket = socket;
    this.#fetchSlate = fetchSlate;
    socket.onFrame((frame) => this.#hear(frame));
    socket.onStatus(() => this.#lineChanged());
  }

  /** Opens a place, or joins it. The last one to leave a product or basket place ends it; home stays warm. */
  open(question: Question): () => void {
    const key = placeKey(question);
    const known = this.#places.get(key);
    const place = known ?? { question, state: EMPTY, version: -1, asked: 0, isWaiting: true, users: 0, patience: null };
    this.#places.set(key, place);
    place.users += 1;
    if (!isSame(place.question, question)) Object.assign(place, { question, version: -1, asked: place.asked + 1, isWaiting: true });
    this.#socket.subscribe(question.surface, { topic: "slate", ...question });
    if (place.isWaiting) this.#waitForLine(key, place);
    return () => this.#leave(key, place);
  }

  read(question: Question): SlatePlace {
    return this.#places.get(placeKey(question))?.state ?? EMPTY;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** An event was made durable: with the line down, ask for what it changed. */
  eventsAcknowledged(): void {
    if (!this.#socket.isOpen) this.#fetchAll();
  }

  retry(question: Question): void {
    const place = this.#places.get(placeKey(question));
    if (place !== undefined) void this.#fetch(place);
  }

  /** The shopper is somebody else: what was shown is not theirs. */
  startOver(): void {
    for (const place of this.#places.values()) {
      Object.assign(place, { state: EMPTY, version: -1, asked: place.asked + 1, isWaiting: true });
    }
    this.#changed();
    for (const [key, place] of this.#places) this.#waitForLine(key, place);
  }

  #waitForLine(key: string, place: Place): void {
    if (place.patience !== null) clearTimeout(place.patience);
    place.patience = setTimeout(() => {
      place.patience = null;
      if (place.isWaiting && this.#places.get(key) === place) void this.#fetch(place);
    }, LINE_PATIENCE_MS);
  }

  #leave(key: string, place: Place): void {
    place.users -= 1;
    // React leaves and joins again within a moment when a page is redrawn: decide after that.
    setTimeout(() => {
      if (place.users > 0 || place.question.surface === "home" || this.#places.get(key) !== place) return;
      if (place.patience !== null) clearTimeout(place.patience);
      this.#places.delete(key);
      const isSurfaceInUse = [...this.#places.values()].some(({ question }) => question.surface === place.question.surface);
      if (!isSurfaceInUse) this.#socket.unsubscribe(place.question.surface);
    }, 0);
  }

  #lineChanged(): void {
    if (!this.#socket.isOpen) return;
    for (const place of this.#places.values()) place.version = -1; // A new line counts its versions from the start.
  }

  #hear(frame: Frame): void {
    if (frame.type !== "slate") return;
    const place = [...this.#places.values()].find((candidate) => isAbout(frame, candidate.question));
    if (place === undefined || frame.version <= place.version) return;
    place.version = frame.version;
    place.asked += 1; // An answer that is still on its way is older than this.
    this.#show(place, frame);
  }

  #fetchAll(): void {
    for (const place of this.#places.values()) if (place.users > 0) void this.#fetch(place);
  }

  async #fetch(place: Place): Promise<void> {
    const asked = ++place.asked;
    try {
      const slate = await this.#fetchSlate(place.question);
      if (asked === place.asked) this.#show(place, slate);
    } catch (error) {
      if (asked !== place.asked || place.state.slate !== null) return; // An older row is better than an apology.
      place.state = { slate: null, error: error instanceof Error ? error : new Error(String(error)) };
      this.#changed();
    }
  }

  #show(place: Place, { decision_id, surface, items }: Pick<SlateFrame, "decision_id" | "surface" | "items">): void {
    place.isWaiting = false;
    const revision = (place.state.slate?.revision ?? 0) + 1;
    place.state = { slate: { decisionId: decision_id, surface, items, revision }, error: null };
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** A basket keeps its place while its content changes, so that its row moves instead of starting over. */
function placeKey({ surface, product_id }: Question): string {
  return `${surface}\u0000${product_id ?? ""}`;
}

function isSame(one: Question, other: Question): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isAbout(frame: SlateFrame, question: Question): boolean {
  if (frame.surface !== question.surface) return false;
  return frame.product_id === undefined || frame.product_id === null || frame.product_id === (question.product_id ?? null);
}
