/** Placing a real order. The id is made here before the first try, so that trying again can never order twice. */
import { answer, type ApiClient } from "../api/client.ts";
import { ProblemError } from "../api/problem.ts";
import type { Order, OrderRequest } from "../api/shapes.ts";
import type { BasketLine } from "../basket/basket.ts";
import { newId } from "../identity/anonymousId.ts";
import { readJson, type KeyValue } from "../storage/keyValue.ts";

const ATTEMPT = "smartshop.order_attempt";

/** An order whose id the client has made. */
export type NamedOrder = OrderRequest & { order_id: string };

/** Fewer are left than were asked for. */
export interface Shortage {
  variantId: string;
  available: number;
  sentence: string;
}

/** The same lines keep their order id, also over a reload; other lines are another order. */
export function orderFor(lines: readonly BasketLine[], storage: KeyValue): NamedOrder {
  const asked = lines.map(({ product_id, variant_id, quantity }) => ({ product_id, variant_id, quantity }));
  const content = JSON.stringify(asked);
  const known = readJson(storage, ATTEMPT) as { content?: string; order_id?: string } | null;
  const orderId = known?.content === content && typeof known.order_id === "string" ? known.order_id : newId("o");
  storage.write(ATTEMPT, JSON.stringify({ content, order_id: orderId }));
  return { order_id: orderId, lines: asked, decision_id: lines.find(({ decision_id }) => decision_id)?.decision_id ?? null };
}

export async function placeOrder(api: ApiClient, request: NamedOrder, storage: KeyValue): Promise<Order> {
  const params = { header: { "Idempotency-Key": request.order_id } };
  const order = await answer(api.POST("/v1/orders", { params, body: request }));
  storage.remove(ATTEMPT);
  return order;
}

export function shortageOf(error: unknown): Shortage | null {
  if (!(error instanceof ProblemError) || error.status !== 409) return null;
  const { code, variant_id, available } = error.problem;
  if (code !== "out_of_stock" || typeof variant_id !== "string") return null;
  return { variantId: variant_id, available: Math.max(0, available ?? 0), sentence: error.message };
}
