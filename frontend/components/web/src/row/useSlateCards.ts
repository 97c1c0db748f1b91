import { useMemo, useState } from "react";

import type { Product } from "@smartshop/hooks/api/shapes.ts";
import { useProducts } from "@smartshop/hooks/catalogue/products.ts";
import type { ShownSlate } from "@smartshop/hooks/slates/liveSlates.ts";
import { useMemory } from "@smartshop/hooks/storage/useMemory.ts";

import type { Recommended } from "../card/ProductCard.tsx";

export interface SlateCard {
  product: Product;
  recommended: Recommended;
}

export interface SlateCards {
  cards: SlateCard[];
  /** The slate that the cards belong to; for a moment still the one before. */
  shown: ShownSlate | null;
  isLoading: boolean;
}

/**
 * The slate's products in its order, without those the shop no longer has and those the shopper sent away. A new slate
 * takes the old one's place when all its products are known, so that cards do not trickle in between each other.
 */
export function useSlateCards(slate: ShownSlate | null): SlateCards {
  const memory = useMemory();
  const [whole, setWhole] = useState<ShownSlate | null>(null);
  const productIds = useMemo(() => idsOf(slate, whole), [slate, whole]);
  const { products, isPending } = useProducts(productIds);
  if (whole !== slate && !isPending) setWhole(slate); // React's way to derive from what came before: set while drawing.
  const dismissed = new Set(memory.dismissed());
  const cards = (whole?.items ?? []).flatMap((item) => {
    const product = products.get(item.product_id);
    if (!product || dismissed.has(item.product_id) || whole === null) return [];
    return [{ product, recommended: { item, decisionId: whole.decisionId, surface: whole.surface } }];
  });
  return { cards, shown: whole, isLoading: slate !== whole };
}

function idsOf(...slates: (ShownSlate | null)[]): string[] {
  return [...new Set(slates.flatMap((slate) => slate?.items.map(({ product_id }) => product_id) ?? []))];
}
