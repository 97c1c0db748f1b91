import { http, HttpResponse } from "msw/http";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { createApiClient } from "../api/client.ts";
import { memoryStorage } from "../storage/keyValue.ts";
import { orderFor, placeOrder, shortageOf } from "./placeOrder.ts";

const server = setupServer();
beforeAll(() => { server.listen({ onUnhandledFrame: "error" }); });
afterEach(() => { server.resetHandlers(); });
afterAll(() => { server.close(); });

const LINES = [
  { product_id: "tent", variant_id: "tent-green", quantity: 2 },
  { product_id: "mug", variant_id: "mug", quantity: 1, decision_id: "d-7" },
];
const ORDERS = "http://shop.test/v1/orders";

describe("an order", () => {
  it("keeps its id while it is the same, also over a reload, and gets another when the basket changes", () => {
    const storage = memoryStorage();
    const first = orderFor(LINES, storage);
    expect(orderFor(LINES, storage)).toEqual(first);
    expect(first.decision_id).toBe("d-7");
    expect(orderFor(LINES.slice(1), storage).order_id).not.toBe(first.order_id);
  });

  it("is sent with its id as the idempotency key, and done with when it was taken", async () => {
    const storage = memoryStorage();
    const request = orderFor(LINES, storage);
    let key: string | null = null;
    server.use(
      http.post(ORDERS, ({ request: { headers } }) => {
        key = headers.get("Idempotency-Key");
        return HttpResponse.json({ order_id: request.order_id, lines: [] }, { status: 201 });
      }),
    );
    const order = await placeOrder(createApiClient({ baseUrl: "http://shop.test" }), request, storage);
    expect(order.order_id).toBe(request.order_id);
    expect(key).toBe(request.order_id);
    expect(orderFor(LINES, storage).order_id).not.toBe(request.order_id);
  });

  it("says which variant is short, and how many are left", async () => {
    const storage = memoryStorage();
    const problem = { status: 409, code: "out_of_stock", detail: "Only 1 left.", variant_id: "tent-green", available: 1 };
    server.use(http.post(ORDERS, () => HttpResponse.json(problem, { status: 409, headers: { "Content-Type": "application/problem+json" } })));
    const client = createApiClient({ baseUrl: "http://shop.test" });
    const failure: unknown = await placeOrder(client, orderFor(LINES, storage), storage).catch((error: unknown) => error);
    expect(shortageOf(failure)).toEqual({ variantId: "tent-green", available: 1, sentence: "Only 1 left." });
    expect(shortageOf(new Error("other"))).toBeNull();
  });

  it("is tried once more with a fresh token when the old one had ended", async () => {
    const bearers: (string | null)[] = [];
    server.use(
      http.post(ORDERS, async ({ request }) => {
        bearers.push(request.headers.get("Authorization"));
        const { order_id } = (await request.json()) as { order_id: string };
        return bearers.length === 1 ? new HttpResponse(null, { status: 401 }) : HttpResponse.json({ order_id, lines: [] }, { status: 201 });
      }),
    );
    let token = "old";
    const credentials = { bearer: () => Promise.resolve(token), refused: () => void (token = "new") };
    const storage = memoryStorage();
    await placeOrder(createApiClient({ baseUrl: "http://shop.test", credentials }), orderFor(LINES, storage), storage);
    expect(bearers).toEqual(["Bearer old", "Bearer new"]);
  });
});
