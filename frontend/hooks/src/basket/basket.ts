/** What the shopper means to buy, kept in this browser. Prices are not kept: they are the shop's, at the moment of asking. */
import { readJson, type KeyValue } from "../storage/keyValue.ts";

const BASKET = "smartshop.basket";
export const MAX_QUANTITY = 99;

export interface BasketLine {
  product_id: string;
  variant_id: string;
  quantity: number;
  /** The decision whose slate brought it here, if one did. */
  decision_id?: string;
}

export class Basket {
  readonly #storage: KeyValue;
  readonly #listeners = new Set<() => void>();
  #lines: readonly BasketLine[];

  constructor(storage: KeyValue) {
    this.#storage = storage;
    this.#lines = readLines(storage);
  }

  readonly lines = (): readonly BasketLine[] => this.#lines;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  add(line: BasketLine): void {
    const known = this.#lines.find(({ variant_id }) => variant_id === line.variant_id);
    if (known === undefined) return this.#keep([...this.#lines, { ...line, quantity: clamp(line.quantity) }]);
    this.setQuantity(line.variant_id, known.quantity + line.quantity);
  }

  /** Zero takes the line out. */
  setQuantity(variantId: string, quantity: number): void {
    if (quantity <= 0) return this.#keep(this.#lines.filter(({ variant_id }) => variant_id !== variantId));
    this.#keep(this.#lines.map((line) => (line.variant_id === variantId ? { ...line, quantity: clamp(quantity) } : line)));
  }

  clear(): void {
    this.#keep([]);
  }

  /** Another tab changed the basket. */
  reload(): void {
    this.#lines = readLines(this.#storage);
    this.#tell();
  }

  /** Follows the other tabs of this browser. Returns how to stop. */
  follow(page: Window): () => void {
    const heard = ({ key }: StorageEvent) => (key === BASKET || key === null) && this.reload();
    page.addEventListener("storage", heard);
    return () => page.removeEventListener("storage", heard);
  }

  #keep(lines: readonly BasketLine[]): void {
    this.#lines = lines;
    this.#storage.write(BASKET, JSON.stringify(lines));
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

export function countUnits(lines: readonly BasketLine[]): number {
  return lines.reduce((units, { quantity }) => units + quantity, 0);
}

function clamp(quantity: number): number {
  return Math.max(1, Math.min(MAX_QUANTITY, Math.trunc(quantity)));
}

function readLines(storage: KeyValue): readonly BasketLine[] {
  const stored = readJson(storage, BASKET);
  return Array.isArray(stored) ? stored.filter(isLine) : [];
}

function isLine(value: unknown): value is BasketLine {
  if (typeof value !== "object" || value === null) return false;
  const { product_id, variant_id, quantity } = value as Partial<BasketLine>;
  return typeof product_id === "string" && typeof variant_id === "string" && Number.isInteger(quantity) && Number(quantity) > 0;
}
