import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useSyncExternalStore } from "react";

import { answer } from "../api/client.ts";
import type { Slate } from "../api/shapes.ts";
import { useShop } from "../shop/ShopProvider.tsx";
import type { Question, ShownSlate, SlatePlace } from "./liveSlates.ts";

/** The shopper's slate for this place, kept up to date while mounted. */
export function useSlate(question: Question): SlatePlace & { retry: () => void } {
  const { slates } = useShop();
  const asked = JSON.stringify(question);
  useEffect(() => slates.open(JSON.parse(asked) as Question), [slates, asked]);
  const subscribe = useCallback((listener: () => void) => slates.subscribe(listener), [slates]);
  const place = useSyncExternalStore(subscribe, () => slates.read(question));
  return { ...place, retry: () => slates.retry(question) };
}

export interface FetchedSlate {
  slate: ShownSlate | null;
  isPending: boolean;
  error: Error | null;
}

const FRESH_MS = 60_000;

export function useSimilar(productId: string | null, limit: number): FetchedSlate {
  const { own } = useShop();
  const params = { path: { product_id: productId ?? "" }, query: { limit } };
  return useFetchedSlate(["similar", productId, limit], productId !== null, () => answer(own.GET("/v1/products/{product_id}/similar", { params })));
}

export function useBoughtTogether(productId: string, limit: number): FetchedSlate {
  const { own } = useShop();
  const params = { path: { product_id: productId }, query: { limit } };
  return useFetchedSlate(["bought-together", productId, limit], true, () =>
    answer(own.GET("/v1/products/{product_id}/bought-together", { params })),
  );
}

export function useTrending(category: string | null, limit: number): FetchedSlate {
  const { own } = useShop();
  const params = { query: { category: category ?? "", limit } };
  return useFetchedSlate(["trending", category, limit], category !== null, () => answer(own.GET("/v1/trending", { params })));
}

/** What this shopper bought before; asked only when this browser knows of an order. */
export function useBuyAgain(isWorthAsking: boolean, limit: number): FetchedSlate {
  const { own, tokens } = useShop();
  const id = tokens.anonymousId();
  return useFetchedSlate(["buy-again", id, limit], isWorthAsking, () =>
    answer(own.POST("/v1/recommendations", {
      body: { surface: "home", anonymous_id: id, limit, filters: { bought: "only" }, explain: true },
    })),
  );
}

function useFetchedSlate(key: readonly unknown[], enabled: boolean, queryFn: () => Promise<Slate>): FetchedSlate {
  const { data, isPending, error } = useQuery({ queryKey: ["slate", ...key], queryFn, enabled, staleTime: FRESH_MS, select: shown });
  return { slate: data ?? null, isPending: enabled && isPending, error };
}

/** Kept between drawings by the query: the same answer stays the same object. */
function shown({ decision_id, surface, items }: Slate): ShownSlate {
  return { decisionId: decision_id, surface, items, revision: 1 };
}
