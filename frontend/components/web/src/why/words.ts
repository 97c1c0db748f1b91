/** The argument behind one recommended card, in plain words. */
import type { SlateItem } from "@smartshop/hooks/api/shapes.ts";

/** What each advisor speaks for. One we do not know is named as it names itself. */
const ADVISORS: Record<string, string> = {
  recommendation: "What it goes with, and how well it sells",
  personalization: "Your recent interest",
  inventory: "What we have in stock",
  back_in_stock: "You waited for it",
  segmentation: "Shoppers like you",
  performance: "What has worked before",
};

export function reasonText(item: SlateItem): string {
  return item.reason?.text ?? "From our whole range";
}

export interface Argument {
  advisor: string;
  words: string;
  /** Log-odds, already weighted: above zero speaks for the product, below against it. */
  strength: number;
  signed: string;
}

/** Strongest first, whichever way it points; what said nothing is left out. */
export function argumentsFor(item: SlateItem): Argument[] {
  return Object.entries(item.contributions)
    .filter(([, strength]) => Math.abs(strength) >= 0.005)
    .map(([advisor, strength]) => ({ advisor, words: ADVISORS[advisor] ?? humanised(advisor), strength, signed: signed(strength) }))
    .sort((one, other) => Math.abs(other.strength) - Math.abs(one.strength));
}

export function signed(strength: number): string {
  const sign = strength < 0 ? "−" : "+";
  return `${sign}${Math.abs(strength).toFixed(Math.abs(strength) < 0.095 ? 2 : 1)}`;
}

/** The chance that this product stood here, given all that was known. */
export function chanceInWords(propensity: number): string {
  if (propensity >= 0.9995) return "Nothing was left to chance: with what we know, this place was certain.";
  const percent = propensity * 100;
  const shown = percent >= 10 ? percent.toFixed(0) : percent >= 0.1 ? percent.toFixed(1) : "less than 0.1";
  return `There was a ${shown} % chance that it would stand here. We leave some places to chance, to find out what you like.`;
}

export interface EvidenceLine {
  label: string;
  value: string;
  /** The value is a product's id, to be shown by its title. */
  productIds: string[];
}

export function evidenceLines(evidence: Record<string, unknown>): EvidenceLine[] {
  return Object.entries(evidence).flatMap(([key, value]) => {
    const isProduct = /(^|_)products?(_ids?)?$/.test(key);
    const values = (Array.isArray(value) ? value : [value]).filter((one) => ["string", "number", "boolean"].includes(typeof one));
    if (values.length === 0) return [];
    const label = capitalised(humanised(key.replace(/_ids?$/, "")));
    const text = values.map(valueInWords).join(key.endsWith("category") ? " > " : ", ");
    return [{ label, value: text, productIds: isProduct ? values.map(String) : [] }];
  });
}

export function humanised(name: string): string {
  return name.replaceAll(/[_-]+/g, " ").trim();
}

export function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function valueInWords(value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isInteger(value) ? String(value) : value.toFixed(2);
  return String(value);
}
