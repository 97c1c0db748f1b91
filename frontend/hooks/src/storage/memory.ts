/** What this browser remembers of its own visit: products looked at, orders placed, products asked to be left out. */
import type { Order } from "../api/shapes.ts";
import { readJson, type KeyValue } from "./keyValue.ts";

const LAST_VIEWED = "smartshop.last_viewed";
const ORDERS = "smartshop.orders";
const DISMISSED = "smartshop.dismissed";
const CONSENT = "smartshop.personalisation";
const KEPT_ORDERS = 10;
const KEPT_DISMISSED = 200;

/** An observable memory of the visit; everything in it goes with "forget me", except the orders, which are records. */
export class Memory {
  readonly #storage: KeyValue;
  readonly #listeners = new Set<() => void>();
  #version = 0;

  constructor(storage: KeyValue) {
    this.#storage = storage;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Changes whenever anything here does: a snapshot for React. */
  readonly version = (): number => this.#version;

  lastViewed(): string | null {
    return this.#storage.read(LAST_VIEWED);
  }

  rememberViewed(productId: string): void {
    if (this.lastViewed() === productId) return;
    this.#storage.write(LAST_VIEWED, productId);
    this.#tell();
  }

  orders(): Order[] {
    return list(readJson(this.#storage, ORDERS)) as Order[];
  }

  rememberOrder(order: Order): void {
    const others = this.orders().filter(({ order_id }) => order_id !== order.order_id);
    this.#storage.write(ORDERS, JSON.stringify([order, ...others].slice(0, KEPT_ORDERS)));
    this.#tell();
  }

  dismissed(): string[] {
    return list(readJson(this.#storage, DISMISSED)) as string[];
  }

  dismiss(productId: string): void {
    this.#storage.write(DISMISSED, JSON.stringify([...new Set([productId, ...this.dismissed()])].slice(0, KEPT_DISMISSED)));
    this.#tell();
  }

  /** Null while the shopper has not said anything. */
  personalisationChoice(): boolean | null {
    const said = this.#storage.read(CONSENT);
    return said === null ? null : said === "yes";
  }

  choosePersonalisation(isWanted: boolean): void {
    this.#storage.write(CONSENT, isWanted ? "yes" : "no");
    this.#tell();
  }

  forget(): void {
    for (const key of [LAST_VIEWED, DISMISSED, CONSENT]) this.#storage.remove(key);
    this.#tell();
  }

  #tell(): void {
    this.#version += 1;
    for (const listener of this.#listeners) listener();
  }
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
