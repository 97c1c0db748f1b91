import { useQueries, useQuery, type QueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import type { Product } from "../api/shapes.ts";
import { useShop } from "../shop/ShopProvider.tsx";

const FRESH_MS = 60_000;

export function productKey(productId: string): readonly [string, string] {
  return ["product", productId];
}

export interface ProductsById {
  /** Null: the shop does not have it (any more). Absent: not answered yet. */
  products: ReadonlyMap<string, Product | null>;
  isPending: boolean;
  error: Error | null;
}

/** One shared cache for all cards; what is not known yet travels as one request. */
export function useProducts(productIds: readonly string[]): ProductsById {
  const { loadProduct } = useShop();
  return useQueries({
    queries: productIds.map((id) => ({ queryKey: productKey(id), queryFn: () => loadProduct(id), staleTime: FRESH_MS })),
    combine: (results) => ({
      products: new Map(results.flatMap(({ data }, index) => (data === undefined ? [] : [[productIds[index] ?? "", data] as const]))),
      isPending: results.some(({ isPending }) => isPending),
      error: results.find(({ error }) => error !== null)?.error ?? null,
    }),
  });
}

export function useProduct(productId: string) {
  const { loadProduct } = useShop();
  return useQuery({ queryKey: productKey(productId), queryFn: () => loadProduct(productId), staleTime: FRESH_MS });
}

/** Puts products that came with a list into the shared cache, so that opening one shows it at once. */
export function rememberProducts(queries: QueryClient, products: readonly Product[]): void {
  for (const product of products) queries.setQueryData(productKey(product.product_id), product);
}

/** Hears of changes in stock and price while mounted. */
export function useWatchedProducts(productIds: readonly string[]): void {
  const { watched } = useShop();
  const asked = productIds.join("\u0000");
  useEffect(() => (asked === "" ? undefined : watched.watch(asked.split("\u0000"))), [watched, asked]);
}
