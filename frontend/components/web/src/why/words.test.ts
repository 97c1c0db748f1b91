import { describe, expect, it } from "vitest";

import type { SlateItem } from "@smartshop/hooks/api/shapes.ts";

import { argumentsFor, chanceInWords, evidenceLines, reasonText, signed } from "./words.ts";

const ITEM: SlateItem = {
  product_id: "tent", position: 0, score: 1.2, propensity: 1, reason: { code: "trending", text: "Popular this week", evidence: {} },
  contributions: { recommendation: 0.4, personalization: 1.23, inventory: -0.5, night_watch: 0.07, segmentation: 0 }, adjustments: [],
};

describe("the argument in words", () => {
  it("names who spoke, the strongest first, and leaves out who said nothing", () => {
    expect(argumentsFor(ITEM).map(({ words, signed: strength }) => `${words} ${strength}`)).toEqual([
      "Your recent interest +1.2",
      "What we have in stock −0.5",
      "What it goes with, and how well it sells +0.4",
      "night watch +0.07",
    ]);
  });

  it("writes strengths with a sign", () => {
    expect([signed(2), signed(-0.04), signed(0.5)]).toEqual(["+2.0", "−0.04", "+0.5"]);
  });

  it("says how much was chance", () => {
    expect(chanceInWords(1)).toContain("Nothing was left to chance");
    expect(chanceInWords(0.125)).toContain("13 %");
    expect(chanceInWords(0.012)).toContain("1.2 %");
    expect(chanceInWords(0.00001)).toContain("less than 0.1 %");
  });

  it("shows evidence of every kind, products by their ids to be named", () => {
    const lines = evidenceLines({ shoppers: 41, product_id: "mug", category: ["Camping", "Tents"], lift: 1.234, nothing: {} });
    expect(lines).toEqual([
      { label: "Shoppers", value: "41", productIds: [] },
      { label: "Product", value: "mug", productIds: ["mug"] },
      { label: "Category", value: "Camping > Tents", productIds: [] },
      { label: "Lift", value: "1.23", productIds: [] },
    ]);
  });

  it("has words also where no reason was given", () => {
    expect(reasonText({ ...ITEM, reason: null })).toBe("From our whole range");
  });
});
