import { useQueryClient, useSuspenseQuery } from "@tanstack/react-query";
import { createContext, use, useEffect, type ReactNode } from "react";

import type { Product, Storefront } from "../api/shapes.ts";
import { applyOffer } from "../catalogue/liveOffers.ts";
import { productKey } from "../catalogue/products.ts";
import type { Shop } from "./shop.ts";

const ShopContext = createContext<Shop | null>(null);

export function ShopProvider({ shop, children }: { shop: Shop; children: ReactNode }) {
  const queries = useQueryClient();
  useEffect(() => shop.start(), [shop]);
  useEffect(
    () =>
      shop.socket.onFrame((frame) => {
        if (frame.type !== "stock" && frame.type !== "price") return;
        const change = (product: Product | null | undefined) => (product ? applyOffer(product, frame) : product);
        queries.setQueryData(productKey(frame.product_id), change);
      }),
    [shop, queries],
  );
  return <ShopContext value={shop}>{children}</ShopContext>;
}

export function useShop(): Shop {
  const shop = use(ShopContext);
  if (shop === null) throw new Error("useShop needs a ShopProvider above it.");
  return shop;
}

/** The shop's name, currency, locale and clock. Suspends on the very first visit only. */
export function useStorefront(): Storefront {
  const { storefronts } = useShop();
  const { data } = useSuspenseQuery({
    queryKey: ["storefront"],
    queryFn: () => storefronts.load(),
    initialData: storefronts.remembered(),
    initialDataUpdatedAt: 0,
    staleTime: 5 * 60 * 1000,
  });
  return data;
}
