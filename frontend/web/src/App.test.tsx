import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw/http";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import type { Product } from "@smartshop/hooks/api/shapes.ts";
import { createShop } from "@smartshop/hooks/shop/shop.ts";
import { browserStorage } from "@smartshop/hooks/storage/keyValue.ts";

import { App } from "./App.tsx";
import { makeItem, makeProduct, makeTestShop } from "./testShop.ts";

const server = setupServer();
beforeAll(() => {
  server.listen({ onUnhandledFrame: "error" });
  window.scrollTo = () => undefined; // jsdom has no layout to scroll.
});
afterEach(() => { server.resetHandlers(); });
afterAll(() => { server.close(); });

const TENT = makeProduct("tent", "Tarn tent");
const STOVE = makeProduct("stove", "Glen stove");
const BOOTS = makeProduct("boots", "Skye boots", {
  variants: [
    { variant_id: "boots-41", title: null, attributes: { size: 41 }, price_minor: 9900, list_price_minor: 12900, currency: "GBP", available: 0 },
    { variant_id: "boots-42", title: null, attributes: { size: 42 }, price_minor: 10900, list_price_minor: null, currency: "GBP", available: 2 },
  ],
});

function open(path: string, products: Product[] = [TENT, STOVE, BOOTS]) {
  const shop = makeTestShop(products, "Popular in Tents this week");
  server.use(...shop.handlers);
  window.history.replaceState(null, "", path);
  render(<App shop={createShop(window, browserStorage())} />);
  return { ...shop, user: userEvent.setup() };
}

const SLOW = { timeout: 8_000 };
vi.setConfig({ testTimeout: 20_000 });

/** The button waits for the present prices. */
async function pressPlaceTheOrder(user: ReturnType<typeof userEvent.setup>) {
  const button = await screen.findByRole("button", { name: "Place the order" }, SLOW);
  await waitFor(() => { expect(button).toBeEnabled(); }, SLOW);
  await user.click(button);
}

describe("the storefront", () => {
  it("opens with a personal window, and says why of every pick", async () => {
    open("/");
    expect(await screen.findByRole("heading", { level: 2, name: "Tarn tent" }, SLOW)).toBeVisible();
    const row = screen.getByRole("region", { name: "For you" });
    expect(within(row).getAllByRole("article")).toHaveLength(2);
    expect(within(row).getAllByText("Popular in Tents this week")).toHaveLength(2);
    expect(document.title).toBe("Test & Sons");
  });

  it("tells the whole argument when asked why, and takes a product away when asked", async () => {
    const { user, events } = open("/");
    const row = await screen.findByRole("region", { name: "For you" }, SLOW);
    await user.click(within(row).getByRole("button", { name: /Why am I seeing Glen stove/ }));
    const dialog = await screen.findByRole("dialog", { name: "Why am I seeing this?" }, SLOW);
    expect(dialog).toHaveTextContent("Shoppers41");
    expect(dialog).toHaveTextContent("speaks for it: +1.2");
    expect(dialog).toHaveTextContent("speaks against it: −0.3");
    expect(dialog).toHaveTextContent("25 % chance");
    await user.click(within(dialog).getByRole("button", { name: "Less like this" }));
    await waitFor(() => { expect(screen.queryByRole("heading", { name: "Glen stove" })).toBeNull(); });
    await vi.waitFor(() => { expect(events.find(({ kind }) => kind === "item_dismissed")).toMatchObject({ product_id: "stove", decision_id: "d-home", position: 1 }); }, SLOW);
  });

  it("follows a shopper from a pick to its page, and says where the view came from", async () => {
    const { user, events } = open("/");
    const row = await screen.findByRole("region", { name: "For you" }, SLOW);
    await user.click(within(row).getByRole("link", { name: "Glen stove" }));
    expect(await screen.findByRole("heading", { level: 1, name: "Glen stove" }, SLOW)).toBeVisible();
    expect(screen.getByText("900 g")).toBeVisible();
    await vi.waitFor(() => { expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(["recommendation_clicked", "product_viewed"])); }, SLOW);
    expect(events.find(({ kind }) => kind === "product_viewed")).toMatchObject({ product_id: "stove", surface: "home", decision_id: "d-home", position: 1 });
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(events.length);
  });

  it("offers the variant that can be had, in words about its stock", async () => {
    const { user } = open("/product/boots");
    expect(await screen.findByRole("radio", { name: /42/ }, SLOW)).toBeChecked();
    expect(screen.getByText("Only 2 left")).toBeVisible();
    await user.click(screen.getByRole("radio", { name: /41/ }));
    expect(screen.getByRole("button", { name: "Not available just now" })).toBeDisabled();
  });

  it("says that a product is sold out, and shows what stands in for it and nothing that completes it", async () => {
    const gone = { variant_id: "lamp", title: null, attributes: {}, price_minor: 1250, list_price_minor: null, currency: "GBP", available: 0 };
    const lamp = makeProduct("lamp", "Tarn lamp", { in_stock: false, variants: [gone] });
    open("/product/lamp", [TENT, STOVE, lamp]);
    const row = await screen.findByRole("region", { name: "Tarn lamp is sold out. You could take" }, SLOW);
    expect(within(row).getAllByRole("article").length).toBeGreaterThanOrEqual(2);
    expect(screen.queryByRole("region", { name: "Bought together" })).toBeNull();
    expect(screen.queryByRole("region", { name: "Similar products" })).toBeNull();
  });

  it("tells the basket what stands in for a line that is sold out", async () => {
    localStorage.setItem("smartshop.basket", JSON.stringify([{ product_id: "tent", variant_id: "tent", quantity: 1 }]));
    const item = makeItem("stove", 0, "");
    const items = [{ ...item, reason: { code: "substitute", text: "In place of Tarn tent: also in Tents, 9% cheaper", evidence: {} } }, makeItem("boots", 1, "Popular")];
    open("/basket");
    server.use(http.post("http://shop.test/v1/recommendations", () => HttpResponse.json({
      decision_id: "d-basket", surface: "basket", policy: { name: "base", probability: 1, weights: {} }, degraded: null, took_ms: 1, items,
    })));
    const row = await screen.findByRole("region", { name: "Instead of what is sold out" }, SLOW);
    expect(within(row).getByText("In place of Tarn tent: also in Tents, 9% cheaper")).toBeVisible();
  });

  it("takes an order once, and shows its receipt", async () => {
    localStorage.setItem("smartshop.basket", JSON.stringify([{ product_id: "tent", variant_id: "tent", quantity: 2 }]));
    const { user, orders, events } = open("/checkout");
    await pressPlaceTheOrder(user);
    expect(await screen.findByRole("heading", { name: "Thank you, it is ordered" }, SLOW)).toBeVisible();
    expect(screen.getByText("2 × Tarn tent")).toBeVisible();
    expect(orders).toHaveLength(1);
    expect(orders[0]).toMatchObject({ lines: [{ product_id: "tent", variant_id: "tent", quantity: 2 }] });
    expect(localStorage.getItem("smartshop.basket")).toBe("[]");
    await vi.waitFor(() => { expect(events.some(({ kind }) => kind === "checkout_started")).toBe(true); }, SLOW);
    expect(events.some(({ kind }) => kind === "order_completed")).toBe(false);
  });

  it("says kindly when too few are left, and takes what there is", async () => {
    localStorage.setItem("smartshop.basket", JSON.stringify([{ product_id: "tent", variant_id: "tent", quantity: 3 }]));
    const { user } = open("/checkout");
    const problem = { status: 409, title: "Conflict", code: "out_of_stock", detail: "Only 1 left.", variant_id: "tent", available: 1 };
    server.use(http.post("http://shop.test/v1/orders", () => HttpResponse.json(problem, { status: 409, headers: { "Content-Type": "application/problem+json" } })));
    await pressPlaceTheOrder(user);
    expect(await screen.findByRole("alert")).toHaveTextContent("We have only 1 of Tarn tent left");
    await user.click(screen.getByRole("button", { name: "Take 1 instead" }));
    expect(localStorage.getItem("smartshop.basket")).toContain('"quantity":1');
  });

  it("keeps a department's filters in the address bar", async () => {
    const { user } = open("/shop/Camping");
    const side = await screen.findByRole("complementary", { name: "Narrow it down" }, SLOW);
    await user.click(await within(side).findByRole("checkbox", { name: /Hallin/ }, SLOW));
    expect(window.location.search).toBe("?brand=Hallin");
    expect(within(side).getByRole("checkbox", { name: /Hallin/ })).toBeChecked();
    await user.type(within(side).getByLabelText("From"), "20");
    await user.type(within(side).getByLabelText("To"), "10");
    expect(within(side).getByRole("alert")).toHaveTextContent("lowest price is above the highest");
  });

  it("says what it does not have", async () => {
    open("/product/nothing");
    expect(await screen.findByRole("heading", { level: 1, name: "We do not have this product" }, SLOW)).toBeVisible();
  });

  it("shows the service's own sentence when the window cannot be filled, and tries again", async () => {
    const { user } = open("/");
    server.use(http.post("http://shop.test/v1/recommendations", () => HttpResponse.json({ detail: "Closed for a minute." }, { status: 404 }), { once: true }));
    expect(await screen.findByRole("alert", undefined, SLOW)).toHaveTextContent("Closed for a minute.");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await screen.findByRole("region", { name: "For you" }, SLOW)).toBeVisible();
  });
});
