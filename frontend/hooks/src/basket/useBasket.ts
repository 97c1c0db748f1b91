import { useMemo, useSyncExternalStore } from "react";

import type { Product, Variant } from "../api/shapes.ts";
import { useProducts } from "../catalogue/products.ts";
import { sumByCurrency, type Money } from "../money/money.ts";
import { useShop } from "../shop/ShopProvider.tsx";
import type { BasketLine } from "./basket.ts";

export interface PricedLine {
  line: BasketLine;
  /** Null: the shop does not have it any more. Undefined: not answered yet. */
  product: Product | null | undefined;
  variant: Variant | null;
  unit: Money | null;
  total: Money | null;
}

export interface PricedBasket {
  lines: PricedLine[];
  totals: Money[];
  isPending: boolean;
  error: Error | null;
}

export function useBasketLines(): readonly BasketLine[] {
  const { basket } = useShop();
  return useSyncExternalStore(basket.subscribe, basket.lines);
}

/** The basket at the shop's present prices. */
export function usePricedBasket(): PricedBasket {
  const lines = useBasketLines();
  const productIds = useMemo(() => [...new Set(lines.map(({ product_id }) => product_id))], [lines]);
  const { products, isPending, error } = useProducts(productIds);
  const priced = lines.map((line) => priceLine(line, products.get(line.product_id)));
  const totals = sumByCurrency(priced.flatMap(({ total }) => (total === null ? [] : [total])));
  return { lines: priced, totals, isPending, error };
}

export function priceLine(line: BasketLine, product: Product | null | undefined): PricedLine {
  const variant = product?.variants.find(({ variant_id }) => variant_id === line.variant_id) ?? null;
  const unit = variant === null ? null : offerPrice(variant);
  const total = unit === null ? null : { ...unit, minor: unit.minor * line.quantity };
  return { line, product, variant, unit, total };
}

export function offerPrice(offer: Pick<Variant, "price_minor" | "currency">): Money | null {
  const { price_minor: minor, currency } = offer;
  return typeof minor === "number" && typeof currency === "string" ? { minor, currency } : null;
}
