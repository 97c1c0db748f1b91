/** The line on which the service tells this shopper what changed. It comes back by itself and asks again for everything. */
import { readFrame, type Frame, type Subscription } from "./frames.ts";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** Close codes by which the service says that the token is no good, after HTTP's 401 and 403. */
const TOKEN_REFUSED = new Set([4401, 4403]);

export interface ShopperSocketOptions {
  url: string;
  token: () => Promise<string>;
  tokenRefused: (token: string) => void;
  random?: () => number;
}

export class ShopperSocket {
  readonly #options: ShopperSocketOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #listeners = new Set<(frame: Frame) => void>();
  readonly #statusListeners = new Set<() => void>();
  #socket: WebSocket | null = null;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #isWanted = false;
  #attempt = 0;

  constructor(options: ShopperSocketOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  start(): void {
    if (this.#isWanted) return;
    this.#isWanted = true;
    void this.#connect();
  }

  stop(): void {
    this.#isWanted = false;
    this.#attempt += 1;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#socket?.close(1000);
    this.#socket = null;
  }

  /** Somebody else is the shopper now: leave and come back with the new token. */
  restart(): void {
    this.stop();
    this.#failures = 0;
    this.start();
  }

  /** The network came back: do not wait out the pause. */
  hurry(): void {
    if (!this.#isWanted || this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    void this.#connect();
  }

  /** `key` names the place on the page: asking again under the same key replaces what was asked. */
  subscribe(key: string, subscription: Subscription): void {
    const asked = JSON.stringify(subscription);
    if (JSON.stringify(this.#subscriptions.get(key)) === asked) return;
    this.#subscriptions.set(key, subscription);
    if (this.isOpen) this.#say({ type: "subscribe", ...subscription });
  }

  unsubscribe(key: string): void {
    const subscription = this.#subscriptions.get(key);
    if (!this.#subscriptions.delete(key) || subscription === undefined || !this.isOpen) return;
    const { topic } = subscription;
    this.#say({ type: "unsubscribe", topic, ...(topic === "slate" ? { surface: subscription.surface } : {}) });
  }

  onFrame(listener: (frame: Frame) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onStatus(listener: () => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  async #connect(): Promise<void> {
    const attempt = ++this.#attempt;
    let token: string;
    try {
      token = await this.#options.token();
    } catch {
      this.#comeBack(attempt);
      return;
    }
    if (attempt !== this.#attempt) return;
    const socket = new WebSocket(this.#options.url);
    this.#socket = socket;
    socket.addEventListener("open", () => this.#greet(socket, token));
    socket.addEventListener("message", ({ data }) => this.#hear(socket, data));
    socket.addEventListener("close", ({ code }) => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (TOKEN_REFUSED.has(code)) this.#options.tokenRefused(token);
      this.#tellStatus();
      this.#comeBack(attempt);
    });
  }

  #greet(socket: WebSocket, token: string): void {
    if (this.#socket !== socket) return;
    this.#say({ type: "hello", token });
    for (const subscription of this.#subscriptions.values()) this.#say({ type: "subscribe", ...subscription });
    this.#tellStatus();
  }

  #hear(socket: WebSocket, data: unknown): void {
    if (this.#socket !== socket) return;
    const frame = readFrame(data);
    if (frame === null) return;
    if (frame.type !== "error") this.#failures = 0; // Only an answer proves that the line works, not its opening.
    for (const listener of this.#listeners) listener(frame);
  }

  #say(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  /** Full jitter (Brooker 2015, "Exponential backoff and jitter"): a restarted service is not met by all at once. */
  #comeBack(attempt: number): void {
    if (!this.#isWanted || attempt !== this.#attempt) return;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    this.#failures += 1;
    const random = this.#options.random ?? Math.random;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#connect();
    }, FIRST_WAIT_MS / 5 + random() * longest);
  }

  #tellStatus(): void {
    for (const listener of this.#statusListeners) listener();
  }
}
