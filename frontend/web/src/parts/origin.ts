import type { Origin } from "@smartshop/hooks/tracking/tracker.ts";

/** Where a product was met, carried by the link that was followed. Anything could stand in history state: check it. */
export function originFrom(state: unknown): Origin {
  if (typeof state !== "object" || state === null) return {};
  const { surface, decision_id, position } = state as Record<string, unknown>;
  return {
    ...(typeof surface === "string" ? { surface } : {}),
    ...(typeof decision_id === "string" ? { decision_id } : {}),
    ...(typeof position === "number" ? { position } : {}),
  };
}
