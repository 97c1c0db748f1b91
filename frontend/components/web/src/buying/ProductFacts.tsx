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
    return words === "" ? [] : [[capitalised(humanised(key)), words] as [string, string]];
  });
}

function inWords(value: unknown): string {
  if (typeof value === "boolean") return value ? "Yes" : "No";
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(inWords).filter((words) => words !== "").join(", ");
  return "";
}
