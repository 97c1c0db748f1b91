import { useState } from "react";

import { MAX_QUANTITY } from "@smartshop/hooks/basket/basket.ts";
import type { Product, Variant } from "@smartshop/hooks/api/shapes.ts";
import { isAvailable, unitsLeft } from "@smartshop/hooks/catalogue/availability.ts";
import { formatMoney } from "@smartshop/hooks/money/money.ts";
import { useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";
import type { Origin } from "@smartshop/hooks/tracking/tracker.ts";

import button from "../button/Button.module.css";
import { reductionPercent, stockWords } from "../card/productWords.ts";
import { Price } from "../price/Price.tsx";
import { QuantityStepper } from "../quantity/QuantityStepper.tsx";
import styles from "./BuyBox.module.css";
import { TellMe } from "./TellMe.tsx";
import { useAddToBasket } from "./useAddToBasket.tsx";

/** Everything from the title to the button: which variant, what it costs, whether it is there, how many. */
export function BuyBox({ product, origin }: { product: Product; origin: Origin }) {
  const { locale } = useStorefront();
  const add = useAddToBasket();
  const [chosenId, setChosenId] = useState(() => firstChoice(product)?.variant_id ?? null);
  const [wanted, setWanted] = useState(1);
  const variant = product.variants.find(({ variant_id }) => variant_id === chosenId) ?? firstChoice(product);
  const offer = variant ?? product;
  const stock = variant === null ? null : stockWords(variant);
  const most = Math.min(MAX_QUANTITY, variant === null ? 1 : Math.max(1, unitsLeft(variant)));
  const quantity = Math.min(wanted, most);
  const percent = reductionPercent(offer.price_minor, offer.list_price_minor);
  const canBuy = variant !== null && isAvailable(variant) && typeof variant.price_minor === "number";
  return (
    <div className={styles.box}>
      <div>
        {product.brand ? <p className={styles.brand}>{product.brand}</p> : null}
        <h1 className={styles.title}>{product.title}</h1>
      </div>
      <div className={styles.offer}>
        <Price priceMinor={offer.price_minor} listPriceMinor={offer.list_price_minor} currency={offer.currency} locale={locale} size="page" />
        {percent >= 5 ? <span className={styles.saving}>{percent} % off</span> : null}
      </div>
      <Variants product={product} chosenId={variant?.variant_id ?? null} locale={locale} onChoose={setChosenId} />
      {stock === null ? null : <p className={styles.stock} data-kind={stock.kind} role="status">{stock.words}</p>}
      <div className={styles.actions}>
        {canBuy ? <QuantityStepper title={product.title} quantity={quantity} max={most} onChange={setWanted} /> : null}
        <button
          type="button"
          className={button.button}
          disabled={!canBuy}
          onClick={() => { if (variant !== null) add(product, variant, quantity, origin); }}
        >
          {canBuy ? "Add to basket" : "Not available just now"}
        </button>
      </div>
      {variant !== null && !isAvailable(variant) ? <TellMe key={variant.variant_id} itemId={variant.variant_id} /> : null}
    </div>
  );
}

/** The first variant that can be had; failing that, the first. */
function firstChoice(product: Product): Variant | null {
  return product.variants.find(isAvailable) ?? product.variants[0] ?? null;
}

interface VariantsProps {
  product: Product;
  chosenId: string | null;
  locale: string;
  onChoose: (variantId: string) => void;
}

function Variants({ product, chosenId, locale, onChoose }: VariantsProps) {
  if (product.variants.length < 2) return null;
  const hasOnePrice = new Set(product.variants.map(({ price_minor }) => price_minor)).size === 1;
  return (
    <fieldset className={styles.variants}>
      <legend>{variantWord(product)}</legend>
      {product.variants.map((variant) => (
        <label key={variant.variant_id} data-sold-out={!isAvailable(variant)}>
          <input
            type="radio"
            name={`variant of ${product.product_id}`}
            checked={variant.variant_id === chosenId}
            onChange={() => { onChoose(variant.variant_id); }}
          />
          <span>
            {variantName(variant, product)}
            {!isAvailable(variant) ? <small> sold out</small> : null}
            {!hasOnePrice && typeof variant.price_minor === "number" && variant.currency
              ? <small> {formatMoney({ minor: variant.price_minor, currency: variant.currency }, locale)}</small>
              : null}
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** "Colour", "Size" where the variants differ by one attribute, else a word that always fits. */
function variantWord(product: Product): string {
  const keys = new Set(product.variants.flatMap(({ attributes }) => Object.keys(attributes)));
  const [key] = keys;
  return keys.size === 1 && key !== undefined ? key.charAt(0).toUpperCase() + key.slice(1).replaceAll("_", " ") : "Choose yours";
}

function variantName(variant: Variant, product: Product): string {
  const values = Object.values(variant.attributes).filter((value) => typeof value === "string" || typeof value === "number");
  if (values.length > 0) return values.map(String).join(", ");
  const title = variant.title ?? variant.variant_id;
  return title.startsWith(product.title) ? title.slice(product.title.length).replace(/^[\s,–-]+/, "") || title : title;
}
