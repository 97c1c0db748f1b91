import { useMemo } from "react";

import type { Product } from "@smartshop/hooks/api/shapes.ts";
import { useProducts } from "@smartshop/hooks/catalogue/products.ts";
import type { ShownSlate } from "@smartshop/hooks/slates/liveSlates.ts";
import { useMemory } from "@smartshop/hooks/storage/useMemory.ts";

import type { Recommended } from "../card/ProductCard.tsx";

export interface SlateCard {
  product: Product;
  recommended: Recommended;
}

/** The slate's products in its order, without those the shop no longer has and those the shopper sent away. */
export function useSlateCards(slate: ShownSlate | null): { cards: SlateCard[]; isLoading: boolean } {
  const memory = useMemory();
  const productIds = useMemo(() => [...new Set(slate?.items.map(({ product_id }) => product_id))], [slate]);
  const { products, isPending } = useProducts(productIds);
  const dismissed = new Set(memory.dismissed());
  const cards = (slate?.items ?? []).flatMap((item) => {
    const product = products.get(item.product_id);
    if (!product || dismissed.has(item.product_id) || slate === null) return [];
    return [{ product, recommended: { item, decisionId: slate.decisionId, surface: slate.surface } }];
  });
  return { cards, isLoading: slate !== null && isPending };
}
