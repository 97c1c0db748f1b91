import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { http, HttpResponse } from "msw/http";
import { setupServer } from "msw/node";
import { ws } from "msw/ws";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";

import { createShop } from "@smartshop/hooks/shop/shop.ts";
import { browserStorage } from "@smartshop/hooks/storage/keyValue.ts";

import { App } from "./App.tsx";
import { makeProduct, makeTestShop } from "./testShop.ts";

const line = ws.link("ws://shop.test/ws/shopper");
const server = setupServer();
beforeAll(() => {
  server.listen({ onUnhandledFrame: "error" });
  window.scrollTo = () => undefined; // jsdom has no layout to scroll.
});
afterEach(() => { server.resetHandlers(); });
afterAll(() => { server.close(); });

const SLOW = { timeout: 8_000 };
vi.setConfig({ testTimeout: 20_000 });

const GONE = { variant_id: "lamp", title: null, attributes: {}, price_minor: 1250, list_price_minor: null, currency: "GBP", available: 0 };
const LAMP = makeProduct("lamp", "Tarn lamp", { in_stock: false, variants: [GONE] });
const TENT = makeProduct("tent", "Tarn tent");

function open(path: string) {
  const shop = makeTestShop([TENT, LAMP], "Popular");
  const tellers: ((frame: object) => void)[] = [];
  server.use(...shop.handlers);
  server.use(line.addEventListener("connection", ({ client }) => {
    client.addEventListener("message", () => undefined);
    tellers.push((frame) => { client.send(JSON.stringify(frame)); });
  }));
  window.history.replaceState(null, "", path);
  render(<App shop={createShop(window, browserStorage())} />);
  return { ...shop, tellers, user: userEvent.setup() };
}

describe("what is sold out", () => {
  it("can be waited for, and no longer", async () => {
    const { user, waits } = open("/product/lamp");
    const ask = await screen.findByRole("button", { name: "Tell me when it is back" }, SLOW);
    await waitFor(() => { expect(ask).toBeEnabled(); }, SLOW);
    await user.click(ask);
    const stop = await screen.findByRole("button", { name: "Do not tell me any more" }, SLOW);
    expect([...waits]).toEqual(["lamp"]);
    expect(screen.getByText(/in the order of asking/)).toBeVisible();
    await waitFor(() => { expect(stop).toBeEnabled(); }, SLOW);
    await user.click(stop);
    await waitFor(() => { expect([...waits]).toEqual([]); }, SLOW);
  });

  it("says why it cannot be waited for", async () => {
    const { user } = open("/product/lamp");
    server.use(http.put("http://shop.test/v1/stock/waits/lamp", () => HttpResponse.json(
      { code: "too_many_waits", detail: "This shopper waits for 200 things." }, { status: 409, headers: { "Content-Type": "application/problem+json" } },
    )));
    const ask = await screen.findByRole("button", { name: "Tell me when it is back" }, SLOW);
    await waitFor(() => { expect(ask).toBeEnabled(); }, SLOW);
    await user.click(ask);
    expect(await screen.findByText("This shopper waits for 200 things.", {}, SLOW)).toBeVisible();
  });

  it("is not asked about what can be had", async () => {
    open("/product/tent");
    expect(await screen.findByRole("button", { name: "Add to basket" }, SLOW)).toBeEnabled();
    expect(screen.queryByRole("button", { name: "Tell me when it is back" })).toBeNull();
  });

  it("is told of on whichever page when it is back", async () => {
    const { tellers } = open("/basket");
    await vi.waitFor(() => { expect(tellers).toHaveLength(1); }, SLOW);
    tellers[0]?.({ type: "back_in_stock", product_id: "lamp", variant_id: "lamp", title: "Tarn lamp", asked: true });
    expect(await screen.findByText("Tarn lamp is back in stock.", {}, SLOW)).toBeVisible();
    expect(screen.getByRole("link", { name: "See it" })).toHaveAttribute("href", "/product/lamp");
  });
});
