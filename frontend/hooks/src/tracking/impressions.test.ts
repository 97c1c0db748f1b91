import { describe, expect, it, vi } from "vitest";

import { Impressions } from "./impressions.ts";
import type { Tracker } from "./tracker.ts";

function watching() {
  const track = vi.fn<Tracker["track"]>();
  return { track, impressions: new Impressions(track) };
}

describe("impressions", () => {
  it("say only what was seen, when the shopper leaves", () => {
    const { track, impressions } = watching();
    impressions.open("d-1", "home", 12);
    impressions.seen("d-1", "tent", 0);
    impressions.seen("d-1", "stove", 4);
    expect(track).not.toHaveBeenCalled();
    impressions.close("d-1");
    const products = [{ product_id: "tent", position: 0 }, { product_id: "stove", position: 4 }];
    expect(track).toHaveBeenCalledWith("recommendation_shown", { decision_id: "d-1", surface: "home", products });
  });

  it("are said once per slate, also when the shopper comes back to it", () => {
    const { track, impressions } = watching();
    for (let visit = 0; visit < 3; visit += 1) {
      impressions.open("d-1", "home", 12);
      impressions.seen("d-1", "tent", 0);
      impressions.close("d-1");
    }
    expect(track).toHaveBeenCalledTimes(1);
  });

  it("are said at once when everything was seen", () => {
    const { track, impressions } = watching();
    impressions.open("d-1", "product", 2);
    impressions.seen("d-1", "tent", 0);
    impressions.seen("d-1", "stove", 1);
    expect(track).toHaveBeenCalledTimes(1);
  });

  it("say nothing of a slate that nobody saw", () => {
    const { track, impressions } = watching();
    impressions.open("d-1", "home", 12);
    impressions.closeAll();
    expect(track).not.toHaveBeenCalled();
  });
});
