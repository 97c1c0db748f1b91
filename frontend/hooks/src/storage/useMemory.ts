import { useSyncExternalStore } from "react";

import { useShop } from "../shop/ShopProvider.tsx";
import type { Memory } from "./memory.ts";

/** This browser's memory of the visit; redraws when it changes. */
export function useMemory(): Memory {
  const { memory } = useShop();
  useSyncExternalStore(memory.subscribe, memory.version);
  return memory;
}
