/** Words about a product that several views need. Pure. */
import type { Product, Variant } from "@smartshop/hooks/api/shapes.ts";
import { unitsLeft } from "@smartshop/hooks/catalogue/availability.ts";

const NEW_FOR_MS = 30 * 24 * 60 * 60 * 1000;
const FEW = 5;

export interface Flag {
  kind: "sold-out" | "reduced" | "new";
  words: string;
}

export function productHref(productId: string): string {
  return `/product/${encodeURIComponent(productId)}`;
}

/** The one thing worth saying on the picture. `clock`: the shop's own now, RFC 3339. */
export function cardFlag(product: Product, clock: string): Flag | null {
  if (!product.in_stock) return { kind: "sold-out", words: "Sold out" };
  const percent = reductionPercent(product.price_minor, product.list_price_minor);
  if (percent >= 5) return { kind: "reduced", words: `−${percent} %` };
  const age = Date.parse(clock) - Date.parse(product.published_at ?? "");
  return age >= 0 && age < NEW_FOR_MS ? { kind: "new", words: "New" } : null;
}

/** Whole percent off the list price, rounded down: never promise more than it is. */
export function reductionPercent(priceMinor: number | null | undefined, listPriceMinor: number | null | undefined): number {
  if (typeof priceMinor !== "number" || typeof listPriceMinor !== "number" || listPriceMinor <= priceMinor) return 0;
  return Math.floor(((listPriceMinor - priceMinor) * 100) / listPriceMinor);
}

export function hasSeveralPrices(product: Product): boolean {
  return new Set(product.variants.map(({ price_minor }) => price_minor)).size > 1;
}

export interface StockWords {
  kind: "plenty" | "few" | "none";
  words: string;
}

export function stockWords(variant: Pick<Variant, "available">): StockWords {
  const left = unitsLeft(variant);
  if (left <= 0) return { kind: "none", words: "Sold out" };
  if (left <= FEW) return { kind: "few", words: `Only ${left} left` };
  return { kind: "plenty", words: "In stock" };
}
