import { describe, expect, it, vi } from "vitest";

import type { Product } from "../api/shapes.ts";
import { browserStorage, memoryStorage } from "../storage/keyValue.ts";
import { Basket, countUnits } from "./basket.ts";
import { priceLine } from "./useBasket.ts";

const TENT = { product_id: "tent", variant_id: "tent-green", quantity: 1 };

describe("a basket", () => {
  it("adds up the same variant in one line", () => {
    const basket = new Basket(memoryStorage());
    basket.add(TENT);
    basket.add({ ...TENT, quantity: 2 });
    basket.add({ ...TENT, variant_id: "tent-red" });
    expect(basket.lines().map(({ variant_id, quantity }) => [variant_id, quantity])).toEqual([["tent-green", 3], ["tent-red", 1]]);
    expect(countUnits(basket.lines())).toBe(4);
  });

  it("is still there after the page was closed", () => {
    const storage = memoryStorage();
    new Basket(storage).add({ ...TENT, decision_id: "d-1" });
    expect(new Basket(storage).lines()).toEqual([{ ...TENT, decision_id: "d-1" }]);
  });

  it("loses a line at zero and holds at most 99 of a variant", () => {
    const basket = new Basket(memoryStorage());
    basket.add({ ...TENT, quantity: 500 });
    expect(basket.lines()[0]?.quantity).toBe(99);
    basket.setQuantity("tent-green", 0);
    expect(basket.lines()).toEqual([]);
  });

  it("follows another tab of the same browser", () => {
    const here = new Basket(browserStorage());
    const stop = here.follow(window);
    const heard = vi.fn();
    here.subscribe(heard);
    new Basket(browserStorage()).add(TENT);
    window.dispatchEvent(new StorageEvent("storage", { key: "smartshop.basket" }));
    expect(here.lines()).toEqual([TENT]);
    expect(heard).toHaveBeenCalledTimes(1);
    stop();
  });

  it("leaves out what somebody else wrote into the storage", () => {
    const storage = memoryStorage();
    storage.write("smartshop.basket", JSON.stringify([TENT, { product_id: "x" }, null, { ...TENT, quantity: -1 }]));
    expect(new Basket(storage).lines()).toEqual([TENT]);
    storage.write("smartshop.basket", "{not json");
    expect(new Basket(storage).lines()).toEqual([]);
  });

  it("is priced by the variant at the shop's present price", () => {
    const offer = { title: null, attributes: {}, list_price_minor: null, currency: "GBP", available: 9 };
    const product = {
      product_id: "tent",
      variants: [{ ...offer, variant_id: "tent-red", price_minor: 999 }, { ...offer, variant_id: "tent-green", price_minor: 12345 }],
    } as unknown as Product; // Only the parts that a price needs.
    expect(priceLine({ ...TENT, quantity: 3 }, product).total).toEqual({ minor: 37035, currency: "GBP" });
    expect(priceLine(TENT, null).total).toBeNull();
  });
});
