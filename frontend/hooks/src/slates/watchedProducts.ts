/** Products whose stock and price the page wants to hear about: the union of what its parts ask for. */
import type { ShopperSocket } from "./shopperSocket.ts";

export class WatchedProducts {
  readonly #socket: ShopperSocket;
  readonly #users = new Map<string, number>();

  constructor(socket: ShopperSocket) {
    this.#socket = socket;
  }

  /** Returns how to stop watching. */
  watch(productIds: readonly string[]): () => void {
    for (const id of productIds) this.#users.set(id, (this.#users.get(id) ?? 0) + 1);
    this.#ask();
    return () => {
      for (const id of productIds) {
        const users = (this.#users.get(id) ?? 1) - 1;
        if (users > 0) this.#users.set(id, users);
        else this.#users.delete(id);
      }
    };
  }

  #ask(): void {
    const productIds = [...this.#users.keys()].sort();
    if (productIds.length > 0) this.#socket.subscribe("products", { topic: "products", product_ids: productIds });
  }
}
