/** A small shop on the wire for component tests: real HTTP answers, nothing of ours replaced. */
import { http, HttpResponse } from "msw/http";
import { ws } from "msw/ws";

import type { Order, Product, ShopEvent, Slate, SlateItem } from "@smartshop/hooks/api/shapes.ts";

const URL = "http://shop.test";

export function makeProduct(productId: string, title: string, more: Partial<Product> = {}): Product {
  const variant = { variant_id: productId, title: null, attributes: {}, price_minor: 1250, list_price_minor: null, currency: "GBP", available: 9 };
  return {
    product_id: productId, title, description: `${title}, well made.`, brand: "Hallin", category: "Camping > Tents", image_url: null,
    attributes: { weight_g: 900 }, published_at: null, price_minor: 1250, list_price_minor: null, currency: "GBP", in_stock: true,
    variants: [variant], ...more,
  };
}

export function makeItem(productId: string, position: number, text: string): SlateItem {
  const reason = { code: "trending", text, evidence: { shoppers: 41 } };
  return { product_id: productId, position, score: 1, propensity: 0.25, reason, contributions: { recommendation: 1.2, inventory: -0.3 }, adjustments: [] };
}

export interface TestShop {
  /** Items that are waited for; the shop tells nobody by itself. */
  waits: Set<string>;
  handlers: (ReturnType<typeof http.get> | ReturnType<ReturnType<typeof ws.link>["addEventListener"]>)[];
  events: ShopEvent[];
  orders: unknown[];
}

/** Serves these products; every slate shows all of them, saying `reason`. The line stays silent. */
export function makeTestShop(products: Product[], reason: string): TestShop {
  const events: ShopEvent[] = [];
  const orders: unknown[] = [];
  const waits = new Set<string>();
  const waitFor = (item_id: string) => ({ item_id, product_id: item_id, variant_id: null, asked_at: "2026-11-22T10:00:00Z", told_at: null });
  const slate = (surface: string, without?: string): Slate => ({
    decision_id: `d-${surface}`, surface: surface as Slate["surface"], policy: { name: "base", probability: 1, weights: {} },
    degraded: null, took_ms: 1, items: products.filter(({ product_id }) => product_id !== without).map(({ product_id }, position) => makeItem(product_id, position, reason)),
  });
  const storefront = { shop_name: "Test & Sons", publishable_key: "publishable", currency: "GBP", locale: "en-GB", demo: true, clock: "2026-11-22T00:00:00Z" };
  const token = { token: "token", shopper_key: "a-1", expires_at: "2999-01-01T00:00:00Z" };
  const handlers = [
    http.get(`${URL}/v1/storefront`, () => HttpResponse.json(storefront)),
    http.post(`${URL}/v1/shopper-tokens`, () => HttpResponse.json(token)),
    http.get(`${URL}/v1/categories`, () => HttpResponse.json({ items: [{ category: "Camping", name: "Camping", parent: null, product_count: 3 }], next_cursor: null })),
    http.get(`${URL}/v1/products`, ({ request }) => {
      const ids = new globalThis.URL(request.url).searchParams.getAll("ids");
      return HttpResponse.json({ items: products.filter(({ product_id }) => ids.includes(product_id)), next_cursor: null });
    }),
    http.get(`${URL}/v1/search`, () => HttpResponse.json({ items: products, next_cursor: null, total: products.length, facets: { category: [], brand: [{ value: "Hallin", count: products.length }], price_minor: { min: 1, max: 2 } } })),
    http.post(`${URL}/v1/recommendations`, async ({ request }) => HttpResponse.json(slate(((await request.json()) as { surface: string }).surface))),
    http.get<{ id: string }>(`${URL}/v1/products/:id/:list`, ({ params }) => HttpResponse.json(slate("product", params.id))),
    http.get(`${URL}/v1/trending`, () => HttpResponse.json(slate("home"))),
    http.post(`${URL}/v1/events`, async ({ request }) => {
      events.push(...((await request.json()) as { events: ShopEvent[] }).events);
      return HttpResponse.json({ accepted: 1, duplicates: 0, rejected: [] }, { status: 202 });
    }),
    http.post(`${URL}/v1/orders`, async ({ request }) => {
      const asked = (await request.json()) as { order_id: string; lines: { product_id: string; variant_id: string; quantity: number }[] };
      orders.push(asked);
      const lines = asked.lines.map((line, index) => ({ ...line, line_id: String(index), unit_price_minor: 1250 }));
      const order: Order = { order_id: asked.order_id, status: "placed", lines, total_minor: 2500, currency: "GBP", ordered_at: "2026-11-22T10:00:00Z" };
      return HttpResponse.json(order, { status: 201 });
    }),
    http.get(`${URL}/v1/stock/waits`, () => HttpResponse.json({ items: [...waits].map(waitFor) })),
    http.put<{ id: string }>(`${URL}/v1/stock/waits/:id`, ({ params }) => {
      waits.add(params.id);
      return HttpResponse.json(waitFor(params.id), { status: 201 });
    }),
    http.delete<{ id: string }>(`${URL}/v1/stock/waits/:id`, ({ params }) => {
      waits.delete(params.id);
      return new HttpResponse(null, { status: 204 });
    }),
    ws.link("ws://shop.test/ws/shopper").addEventListener("connection", () => undefined),
  ];
  return { handlers, events, orders, waits };
}
