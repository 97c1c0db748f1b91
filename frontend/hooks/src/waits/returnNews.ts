/** What the line says is back in stock; kept until a page stands that can say it, since each is told only once. */
import type { BackInStockFrame } from "../slates/frames.ts";
import type { ShopperSocket } from "../slates/shopperSocket.ts";

type Listener = (news: BackInStockFrame) => void;

export class ReturnNews {
  readonly #listeners = new Set<Listener>();
  #unsaid: BackInStockFrame[] = [];

  constructor(socket: ShopperSocket) {
    socket.onFrame((frame) => {
      if (frame.type !== "back_in_stock") return;
      if (this.#listeners.size === 0) this.#unsaid.push(frame);
      for (const listener of this.#listeners) listener(frame);
    });
  }

  /** Hears what is unsaid first. Returns how to stop. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    const unsaid = this.#unsaid;
    this.#unsaid = [];
    for (const frame of unsaid) listener(frame);
    return () => this.#listeners.delete(listener);
  }
}
