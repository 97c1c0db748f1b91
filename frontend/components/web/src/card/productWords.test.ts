import { describe, expect, it } from "vitest";

import type { Product } from "@smartshop/hooks/api/shapes.ts";

import { cardFlag, hasSeveralPrices, productHref, reductionPercent, stockWords } from "./productWords.ts";

const CLOCK = "2026-11-22T12:00:00Z";
const PRODUCT: Product = {
  product_id: "tent", title: "Tent", description: null, brand: null, category: null, image_url: null, attributes: {},
  published_at: "2025-01-01T00:00:00Z", price_minor: 750, list_price_minor: null, currency: "GBP", in_stock: true, variants: [],
};

describe("words about a product", () => {
  it("say the one thing that matters most on a card", () => {
    expect(cardFlag(PRODUCT, CLOCK)).toBeNull();
    expect(cardFlag({ ...PRODUCT, list_price_minor: 1000 }, CLOCK)).toEqual({ kind: "reduced", words: "−25 %" });
    expect(cardFlag({ ...PRODUCT, published_at: "2026-11-01T00:00:00Z" }, CLOCK)?.words).toBe("New");
    expect(cardFlag({ ...PRODUCT, published_at: "2026-11-23T00:00:00Z" }, CLOCK)).toBeNull();
    expect(cardFlag({ ...PRODUCT, list_price_minor: 1000, in_stock: false }, CLOCK)?.words).toBe("Sold out");
  });

  it("never promise more than the reduction is", () => {
    expect(reductionPercent(667, 1000)).toBe(33);
    expect(reductionPercent(1000, 1000)).toBe(0);
    expect(reductionPercent(1200, 1000)).toBe(0);
    expect(reductionPercent(null, 1000)).toBe(0);
  });

  it("count stock only when there is little of it", () => {
    expect(stockWords({ available: 0 }).words).toBe("Sold out");
    expect(stockWords({ available: 3 }).words).toBe("Only 3 left");
    expect(stockWords({ available: 6 }).words).toBe("In stock");
    expect(stockWords({ available: null }).words).toBe("In stock");
  });

  it("link to ids of any letters", () => {
    expect(productHref("a b%c?")).toBe("/product/a%20b%25c%3F");
  });

  it("say 'from' only when prices differ", () => {
    const variant = { variant_id: "a", title: null, attributes: {}, price_minor: 1, list_price_minor: null, currency: "GBP", available: 1 };
    expect(hasSeveralPrices({ ...PRODUCT, variants: [variant, { ...variant, variant_id: "b" }] })).toBe(false);
    expect(hasSeveralPrices({ ...PRODUCT, variants: [variant, { ...variant, variant_id: "b", price_minor: 2 }] })).toBe(true);
  });
});
