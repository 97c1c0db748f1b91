import { describe, expect, it } from "vitest";

import { formatMoney, parseAmount, sumByCurrency, toDecimal } from "./money.ts";

describe("money", () => {
  it("is written by the currency's own exponent", () => {
    expect(toDecimal({ minor: 1234, currency: "GBP" })).toBe("12.34");
    expect(toDecimal({ minor: 5, currency: "GBP" })).toBe("0.05");
    expect(toDecimal({ minor: -7, currency: "JPY" })).toBe("-7");
    expect(toDecimal({ minor: 5, currency: "KWD" })).toBe("0.005");
    expect(toDecimal({ minor: 0, currency: "EUR" })).toBe("0.00");
  });

  it("keeps every digit of amounts that a float cannot hold", () => {
    expect(toDecimal({ minor: 900719925474099, currency: "GBP" })).toBe("9007199254740.99");
    expect(formatMoney({ minor: 900719925474099, currency: "GBP" }, "en-GB")).toBe("£9,007,199,254,740.99");
  });

  it("is shown in the shop's language", () => {
    expect(formatMoney({ minor: 1999, currency: "GBP" }, "en-GB")).toBe("£19.99");
    expect(formatMoney({ minor: 1999, currency: "JPY" }, "en-GB")).toBe("JP¥1,999");
    expect(formatMoney({ minor: 1999, currency: "EUR" }, "de-DE")).toBe("19,99\u00a0€");
  });

  it("refuses fractions of a minor unit", () => {
    expect(() => toDecimal({ minor: 1.5, currency: "GBP" })).toThrow("1.5");
  });

  it("reads what shoppers type", () => {
    expect(parseAmount("12.5", "GBP")).toBe(1250);
    expect(parseAmount("£12,50", "GBP")).toBe(1250);
    expect(parseAmount("12", "JPY")).toBe(12);
    expect(parseAmount("0.29", "GBP")).toBe(29);
    expect(parseAmount("12.345", "GBP")).toBeNull();
    expect(parseAmount("cheap", "GBP")).toBeNull();
    expect(parseAmount("1.2.3", "GBP")).toBeNull();
  });

  it("never adds different currencies", () => {
    const amounts = [
      { minor: 100, currency: "GBP" },
      { minor: 5, currency: "EUR" },
      { minor: 11, currency: "GBP" },
    ];
    expect(sumByCurrency(amounts)).toEqual([
      { minor: 111, currency: "GBP" },
      { minor: 5, currency: "EUR" },
    ]);
  });
});
