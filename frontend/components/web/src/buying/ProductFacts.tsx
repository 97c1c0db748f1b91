import type { Product } from "@smartshop/hooks/api/shapes.ts";

import { capitalised, humanised } from "../why/words.ts";
import styles from "./ProductFacts.module.css";

/** What the shop knows of the product, in its own words. */
export function ProductFacts({ product }: { product: Product }) {
  const facts = factsOf(product);
  return (
    <div className={styles.facts}>
      {product.description ? <p className={styles.description}>{product.description}</p> : null}
      {facts.length === 0 ? null : (
        <section aria-labelledby="facts">
          <h2 id="facts" className={styles.heading}>Details</h2>
          <dl>
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </section>
      )}
    </div>
  );
}

function factsOf({ attributes }: Product): [string, string][] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    const words = inWords(value);
    return words === "" ? [] : [withUnit(key, words)];
  });
}

/** Units that shops write at the end of an attribute's name: `weight_g` is a weight in grams. */
const UNITS: Record<string, string> = { g: "g", kg: "kg", mm: "mm", cm: "cm", m: "m", ml: "ml", l: "l", w: "W", lm: "lm", c: "°C", hours: "hours" };

function withUnit(key: string, words: string): [string, string] {
  const parts = key.split("_");
  const unit = parts.length > 1 ? UNITS[parts.at(-1) ?? ""] : undefined;
  if (unit === undefined) return [capitalised(humanised(key)), words];
  return [capitalised(humanised(parts.slice(0, -1).join("_"))), `${words} ${unit}`];
}

function inWords(value: unknown): string {
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(inWords).filter((words) => words !== "").join(", ");
  return "";
}
