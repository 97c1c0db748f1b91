import type { Variant } from "../api/shapes.ts";

/** Units that can be sold now; endless where the shop does not count them. */
export function unitsLeft({ available }: Pick<Variant, "available">): number {
  return available ?? Infinity;
}

export function isAvailable(variant: Pick<Variant, "available">): boolean {
  return unitsLeft(variant) > 0;
}
