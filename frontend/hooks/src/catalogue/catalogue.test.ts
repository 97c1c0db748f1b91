import { http, HttpResponse } from "msw/http";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { createApiClient } from "../api/client.ts";
import type { Product } from "../api/shapes.ts";
import { categoryFromPathname, categoryHref, departmentOf, offeredCategories, toggleCategory } from "./category.ts";
import { readListing, writeListing, type Listing } from "./listing.ts";
import { applyOffer } from "./liveOffers.ts";
import { productLoader } from "./productLoader.ts";

const server = setupServer();
beforeAll(() => { server.listen({ onUnhandledFrame: "error" }); });
afterEach(() => { server.resetHandlers(); });
afterAll(() => { server.close(); });

const VARIANT = { title: null, attributes: {}, list_price_minor: null, currency: "GBP" };
const PRODUCT: Product = {
  product_id: "tent", title: "Tent", description: null, brand: null, category: "Camping > Tents", image_url: null, attributes: {},
  published_at: null, price_minor: 100, list_price_minor: null, currency: "GBP", in_stock: true,
  variants: [{ ...VARIANT, variant_id: "green", price_minor: 100, available: 2 }, { ...VARIANT, variant_id: "red", price_minor: 150, available: 0 }],
};

describe("categories in the address bar", () => {
  it.each(["Garden > Tools > Spades", "Food & drink", "A/C > 100% wool", "Käse > Früh?"])("%s survives the way there and back", (category) => {
    expect(categoryFromPathname(categoryHref(category))).toBe(category);
  });

  it("keep what cannot be decoded, and know their department", () => {
    expect(categoryFromPathname("/shop/Garden/100%")).toBe("Garden > 100%");
    expect(departmentOf("Garden > Tools")).toBe("Garden");
    expect(departmentOf(null)).toBeNull();
  });
});

describe("narrowing by category", () => {
  const counted = ["Camping", "Hiking", "Camping > Tents", "Hiking > Boots", "Camping > Tents > Big"].map((value) => ({ value, count: 1 }));
  const offered = (base: string | null, chosen: string[]) => offeredCategories(counted, base, chosen).map(({ value }) => value);

  it("offers departments first, and what lies below a chosen one beside it", () => {
    expect(offered(null, [])).toEqual(["Camping", "Hiking"]);
    expect(offered(null, ["Camping"])).toEqual(["Camping", "Camping > Tents", "Hiking"]);
    expect(offered("Camping", [])).toEqual(["Camping > Tents"]);
  });

  it("replaces a wide choice by the narrow one within it, and back", () => {
    expect(toggleCategory(["Camping", "Hiking"], "Camping > Tents")).toEqual(["Hiking", "Camping > Tents"]);
    expect(toggleCategory(["Camping > Tents", "Hiking"], "Camping")).toEqual(["Hiking", "Camping"]);
    expect(toggleCategory(["Camping"], "Camping")).toEqual([]);
  });
});

describe("a listing in the address bar", () => {
  it("survives the way there and back", () => {
    const listing: Listing = {
      query: "big tent", category: ["Camping > Tents", "Hiking"], brand: ["A & B"], priceMin: 0, priceMax: 12_345, inStock: true, sort: "-price",
    };
    expect(readListing(new URLSearchParams(writeListing(listing).toString()))).toEqual(listing);
  });

  it("reads nonsense as no filter", () => {
    const listing = readListing(new URLSearchParams("sort=random&min=-5&max=ten&in_stock=perhaps"));
    expect(listing).toMatchObject({ sort: "relevance", priceMin: null, priceMax: null, inStock: false });
  });
});

describe("products asked for together", () => {
  it("travel in one request, and the unknown are null", async () => {
    const asked: string[][] = [];
    server.use(
      http.get("http://shop.test/v1/products", ({ request }) => {
        asked.push(new URL(request.url).searchParams.getAll("ids"));
        return HttpResponse.json({ items: [PRODUCT], next_cursor: null });
      }),
    );
    const load = productLoader(createApiClient({ baseUrl: "http://shop.test" }));
    const [tent, gone, again] = await Promise.all([load("tent"), load("gone"), load("tent")]);
    expect([tent?.title, gone, again?.title]).toEqual(["Tent", null, "Tent"]);
    expect(asked).toEqual([["tent", "gone"]]);
  });

  it("go alone when a comma in the id would read as two", async () => {
    server.use(http.get("http://shop.test/v1/products/a%2Cb", () => HttpResponse.json({ detail: "No such product." }, { status: 404 })));
    const load = productLoader(createApiClient({ baseUrl: "http://shop.test" }));
    expect(await load("a,b")).toBeNull();
  });

  it("all hear of a failure, in the service's own words", async () => {
    const problem = { detail: "The catalogue is closed for a minute." };
    server.use(http.get("http://shop.test/v1/products", () => HttpResponse.json(problem, { status: 503 })));
    const load = productLoader(createApiClient({ baseUrl: "http://shop.test" }));
    await expect(Promise.all([load("a"), load("b")])).rejects.toThrow("The catalogue is closed for a minute.");
  });
});

describe("offers that change while the page is open", () => {
  it("sell out the product when its last variant goes", () => {
    const sold = applyOffer(PRODUCT, { type: "stock", product_id: "tent", variant_id: "green", available: 0 });
    expect(sold.in_stock).toBe(false);
    expect(sold.variants[0]?.available).toBe(0);
  });

  it("make the cheapest variant the product's price", () => {
    const frame = { type: "price", product_id: "tent", variant_id: "red", price_minor: 80, list_price_minor: 150, currency: "GBP" } as const;
    expect(applyOffer(PRODUCT, frame)).toMatchObject({ price_minor: 80, list_price_minor: 150 });
  });
});
