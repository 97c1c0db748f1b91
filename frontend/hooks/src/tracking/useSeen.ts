import { useEffect, type RefObject } from "react";

import { useShop } from "../shop/ShopProvider.tsx";
import type { ShownSlate } from "../slates/liveSlates.ts";
import { SEEN_AFTER_MS, SEEN_RATIO } from "./impressions.ts";

/** Opens a slate for reporting while it is on the page, and closes it when the shopper leaves or it changes. */
export function useShownSlate(slate: ShownSlate | null, expected: number): void {
  const { impressions } = useShop();
  const decisionId = slate?.decisionId;
  const surface = slate?.surface;
  useEffect(() => {
    if (!decisionId || surface === undefined) return undefined;
    impressions.open(decisionId, surface, expected);
    return undefined;
  }, [impressions, decisionId, surface, expected]);
  // Apart from the above: a card that is sent away changes how many there are, and ends nothing.
  useEffect(() => (decisionId ? () => impressions.close(decisionId) : undefined), [impressions, decisionId]);
}

export interface Spot {
  decisionId: string | null;
  productId: string;
  position: number;
}

/** Reports a card once half of it has been on the screen for half a second. */
export function useSeen(card: RefObject<HTMLElement | null>, { decisionId, productId, position }: Spot): void {
  const { impressions } = useShop();
  useEffect(() => {
    const element = card.current;
    if (element === null || !decisionId || typeof IntersectionObserver === "undefined") return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const observer = new IntersectionObserver(
      ([entry]) => {
        clearTimeout(timer);
        if (!entry?.isIntersecting) return;
        timer = setTimeout(() => {
          observer.disconnect();
          impressions.seen(decisionId, productId, position);
        }, SEEN_AFTER_MS);
      },
      { threshold: SEEN_RATIO },
    );
    observer.observe(element);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [card, impressions, decisionId, productId, position]);
}
