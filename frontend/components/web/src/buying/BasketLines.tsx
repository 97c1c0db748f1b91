import { Link } from "react-router";

import type { PricedLine } from "@smartshop/hooks/basket/useBasket.ts";
import { MAX_QUANTITY } from "@smartshop/hooks/basket/basket.ts";
import { isAvailable, unitsLeft } from "@smartshop/hooks/catalogue/availability.ts";
import { formatMoney } from "@smartshop/hooks/money/money.ts";
import { useShop, useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";

import button from "../button/Button.module.css";
import { productHref, stockWords } from "../card/productWords.ts";
import { ProductPicture } from "../picture/ProductPicture.tsx";
import { QuantityStepper } from "../quantity/QuantityStepper.tsx";
import { SpokenOnly } from "../states/labels.tsx";
import { BlockSkeleton } from "../states/States.tsx";
import styles from "./BasketLines.module.css";

export function BasketLines({ lines }: { lines: PricedLine[] }) {
  return (
    <ul className={styles.lines} aria-label="Products in your basket">
      {lines.map((priced) => <Line key={priced.line.variant_id} priced={priced} />)}
    </ul>
  );
}

function Line({ priced }: { priced: PricedLine }) {
  const { line, product, variant, total, unit } = priced;
  const { locale } = useStorefront();
  const change = useChangeQuantity(priced);
  if (product === undefined) return <li className={styles.line}><BlockSkeleton height="7rem" /></li>;
  const title = product?.title ?? line.product_id;
  const stock = variant === null ? null : stockWords(variant);
  const isTooMany = variant !== null && line.quantity > unitsLeft(variant);
  return (
    <li className={styles.line}>
      <span className={styles.picture}><ProductPicture title={title} url={product?.image_url} /></span>
      <div className={styles.words}>
        <h2 className={styles.title}>{product === null ? title : <Link to={productHref(line.product_id)}>{title}</Link>}</h2>
        {variant?.title && variant.title !== title ? <p>{variant.title}</p> : null}
        {variant === null ? <p className={styles.warning}>The shop no longer sells this.</p> : null}
        {isTooMany ? <p className={styles.warning}>{isAvailable(variant) ? `Only ${unitsLeft(variant)} left` : "Sold out meanwhile"}</p> : null}
        {!isTooMany && stock?.kind === "few" ? <p>{stock.words}</p> : null}
      </div>
      <div className={styles.controls}>
        <QuantityStepper title={title} quantity={line.quantity} max={Math.min(MAX_QUANTITY, variant === null ? MAX_QUANTITY : unitsLeft(variant))} onChange={change} />
        <button type="button" className={button.text} onClick={() => { change(0); }}>
          Remove<SpokenOnly> {title}</SpokenOnly>
        </button>
      </div>
      <div className={styles.price}>
        <strong>{total === null ? "–" : formatMoney(total, locale)}</strong>
        {unit !== null && line.quantity > 1 ? <span>{formatMoney(unit, locale)} each</span> : null}
      </div>
    </li>
  );
}

/** Changes the line, and tells the shop by how many it grew or shrank. */
function useChangeQuantity({ line, variant }: PricedLine): (quantity: number) => void {
  const { basket, tracker } = useShop();
  return (quantity) => {
    const grownBy = quantity - line.quantity;
    basket.setQuantity(line.variant_id, quantity);
    if (grownBy === 0) return;
    const details = { product_id: line.product_id, variant_id: line.variant_id, price_minor: variant?.price_minor, currency: variant?.currency };
    tracker.track(grownBy > 0 ? "product_added" : "product_removed", { ...details, quantity: Math.abs(grownBy), surface: "basket" });
  };
}
