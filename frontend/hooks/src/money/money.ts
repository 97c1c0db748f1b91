/** Money as integer minor units by the currency's ISO 4217 exponent. Never a float: digits are placed, not divided. */
export interface Money {
  minor: number;
  currency: string;
}

/** ISO 4217 currencies whose exponent is not 2 (SIX list one). Intl follows CLDR, which differs for some of them. */
const EXPONENTS: Record<string, number> = {
  ...Object.fromEntries("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" ").map((code) => [code, 0])),
  ...Object.fromEntries("BHD IQD JOD KWD LYD OMR TND".split(" ").map((code) => [code, 3])),
  ...Object.fromEntries("CLF UYW".split(" ").map((code) => [code, 4])),
};

const formats = new Map<string, Intl.NumberFormat>();

export function exponent(currency: string): number {
  return EXPONENTS[currency] ?? 2;
}

/** The exact decimal: 1234 GBP → "12.34", 5 KWD → "0.005", −7 JPY → "-7". */
export function toDecimal({ minor, currency }: Money): `${number}` {
  if (!Number.isSafeInteger(minor)) throw new RangeError(`The amount ${minor} is not a whole number of minor units.`);
  const places = exponent(currency);
  const sign = minor < 0 ? "-" : "";
  const digits = String(Math.abs(minor)).padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const fraction = places === 0 ? "" : `.${digits.slice(-places)}`;
  return `${sign}${whole}${fraction}` as `${number}`;
}

export function formatMoney(money: Money, locale: string): string {
  return formatFor(money.currency, locale).format(toDecimal(money));
}

/** What a shopper typed ("12.5", "£12,50") in minor units; null when it is no amount or finer than the currency. */
export function parseAmount(text: string, currency: string): number | null {
  const match = /^(\d{1,12})(?:[.,](\d+))?$/.exec(text.replace(/[^\d.,]/g, ""));
  if (match === null) return null;
  const places = exponent(currency);
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (fraction.length > places) return null;
  return Number(`${match[1]}${fraction.padEnd(places, "0")}`);
}

/** One total per currency, in the order first met: amounts of different currencies are never added. */
export function sumByCurrency(amounts: readonly Money[]): Money[] {
  const totals = new Map<string, number>();
  for (const { minor, currency } of amounts) totals.set(currency, (totals.get(currency) ?? 0) + minor);
  return [...totals].map(([currency, minor]) => ({ minor, currency }));
}

function formatFor(currency: string, locale: string): Intl.NumberFormat {
  const key = `${locale} ${currency}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const places = exponent(currency);
  const options = { style: "currency", currency, minimumFractionDigits: places, maximumFractionDigits: places } as const;
  const made = new Intl.NumberFormat(locale, options);
  formats.set(key, made);
  return made;
}
