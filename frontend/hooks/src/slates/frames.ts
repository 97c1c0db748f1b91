/** What travels over `/ws/shopper`. Anything else is ignored: a newer service may say more. */
import type { SlateItem } from "../api/shapes.ts";

export type Subscription =
  | { topic: "slate"; surface: string; limit?: number; product_id?: string; basket?: string[] }
  | { topic: "products"; product_ids: string[] };

export interface SlateFrame {
  type: "slate";
  surface: string;
  version: number;
  decision_id: string;
  items: SlateItem[];
  product_id?: string | null;
}

export interface StockFrame {
  type: "stock";
  product_id: string;
  variant_id: string;
  available: number;
}

export interface PriceFrame {
  type: "price";
  product_id: string;
  variant_id: string;
  price_minor: number | null;
  list_price_minor: number | null;
  currency: string | null;
}

export interface BackInStockFrame {
  type: "back_in_stock";
  product_id: string;
  variant_id: string;
  title: string;
  /** The shopper asked to be told; else they looked for it while it was sold out. */
  asked: boolean;
}

export interface ErrorFrame {
  type: "error";
  detail: string;
}

export type Frame = SlateFrame | StockFrame | PriceFrame | BackInStockFrame | ErrorFrame;

export function readFrame(text: unknown): Frame | null {
  if (typeof text !== "string") return null;
  try {
    return frameOf(JSON.parse(text) as Partial<Record<string, unknown>> | null);
  } catch {
    return null;
  }
}

function frameOf(said: Partial<Record<string, unknown>> | null): Frame | null {
  switch (said?.type) {
    case "slate":
      return Array.isArray(said.items) && typeof said.surface === "string" ? (said as unknown as SlateFrame) : null;
    case "stock":
      return typeof said.available === "number" ? (said as unknown as StockFrame) : null;
    case "price":
      return typeof said.variant_id === "string" ? (said as unknown as PriceFrame) : null;
    case "back_in_stock":
      return typeof said.product_id === "string" && typeof said.title === "string" ? (said as unknown as BackInStockFrame) : null;
    case "error":
      return { type: "error", detail: typeof said.detail === "string" ? said.detail : "" };
    default:
      return null;
  }
}
