/** What the shopper asked to be told of when it is back: asked here, answered over the line. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";

import { answer, type ApiClient } from "../api/client.ts";
import { useShop } from "../shop/ShopProvider.tsx";

export const WAITS = "waits";
const FRESH_MS = 60_000;

export interface Waiting {
  isWaiting: boolean;
  /** Not known yet, or on its way to the shop. */
  isBusy: boolean;
  error: Error | null;
  /** Ask to be told, or no longer. */
  toggle: () => void;
}

/** `itemId`: a variant's, or a product's where any variant will do. */
export function useWait(itemId: string): Waiting {
  const { own, tokens } = useShop();
  const queries = useQueryClient();
  const queryKey = [WAITS, tokens.anonymousId()];
  const { data, isPending } = useQuery({ queryKey, queryFn: () => openWaits(own), staleTime: FRESH_MS });
  const isWaiting = data?.has(itemId) ?? false;
  const change = useMutation({
    mutationFn: (wanted: boolean) => (wanted ? ask(own, itemId) : giveUp(own, itemId)),
    onSettled: () => queries.invalidateQueries({ queryKey }),
  });
  return { isWaiting, isBusy: isPending || change.isPending, error: change.error, toggle: () => change.mutate(!isWaiting) };
}

async function openWaits(own: ApiClient): Promise<ReadonlySet<string>> {
  const { items } = await answer(own.GET("/v1/stock/waits"));
  return new Set(items.filter(({ told_at }) => told_at === null).map(({ item_id }) => item_id));
}

async function ask(own: ApiClient, item_id: string): Promise<void> {
  await answer(own.PUT("/v1/stock/waits/{item_id}", { params: { path: { item_id } } }));
}

async function giveUp(own: ApiClient, item_id: string): Promise<void> {
  await own.DELETE("/v1/stock/waits/{item_id}", { params: { path: { item_id } } });
}
