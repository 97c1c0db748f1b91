import { useEffect } from "react";

import { useShop } from "../shop/ShopProvider.tsx";
import type { Origin } from "./tracker.ts";

/** Shorter looks are glances at the way past, longer ones a forgotten tab. */
const SHORTEST_MS = 1_000;
const LONGEST_MS = 30 * 60 * 1000;

/** Says on leaving how long the product was really on the screen. */
export function useDwell(productId: string | null, origin: Origin): void {
  const { tracker } = useShop();
  const from = JSON.stringify(origin);
  useEffect(() => {
    if (productId === null) return undefined;
    let seenMs = 0;
    let since: number | null = document.visibilityState === "visible" ? performance.now() : null;
    const pause = () => {
      if (since !== null) seenMs += performance.now() - since;
      since = null;
    };
    const changed = () => {
      if (document.visibilityState === "hidden") pause();
      else since ??= performance.now();
    };
    const leave = () => {
      pause();
      const dwell_ms = Math.round(Math.min(seenMs, LONGEST_MS));
      seenMs = 0;
      if (dwell_ms >= SHORTEST_MS) tracker.track("dwelled", { ...(JSON.parse(from) as Origin), product_id: productId, dwell_ms });
    };
    document.addEventListener("visibilitychange", changed);
    window.addEventListener("pagehide", leave, { capture: true }); // Before the queue is handed over.
    return () => {
      document.removeEventListener("visibilitychange", changed);
      window.removeEventListener("pagehide", leave, { capture: true });
      leave();
    };
  }, [tracker, productId, from]);
}
