import { useRef } from "react";
import { Link } from "react-router";

import { useShop, useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { useSeen } from "@smartshop/hooks/tracking/useSeen.ts";

import button from "../button/Button.module.css";
import { onlyVariant, useAddToBasket } from "../buying/useAddToBasket.tsx";
import { hasSeveralPrices, productHref } from "../card/productWords.ts";
import { ProductPicture } from "../picture/ProductPicture.tsx";
import { Price } from "../price/Price.tsx";
import { SpokenOnly } from "../states/labels.tsx";
import { useWhy } from "../why/WhyContext.tsx";
import { reasonText } from "../why/words.ts";
import styles from "./HomeLead.module.css";
import type { SlateCard } from "./useSlateCards.ts";

/** The shop window: the first pick of the shopper's own slate, large. */
export function HomeLead({ card }: { card: SlateCard }) {
  const element = useRef<HTMLElement>(null);
  const { tracker } = useShop();
  const { locale } = useStorefront();
  const add = useAddToBasket();
  const ask = useWhy();
  const { product, recommended } = card;
  const { item, decisionId, surface } = recommended;
  const origin = { surface, decision_id: decisionId, position: item.position };
  const variant = onlyVariant(product);
  useSeen(element, { decisionId, productId: product.product_id, position: item.position });
  const clicked = () => { tracker.track("recommendation_clicked", { ...origin, product_id: product.product_id }); };
  const link = { to: productHref(product.product_id), state: origin, onClick: clicked };
  return (
    <article ref={element} className={styles.lead} data-product-id={product.product_id}>
      <div key={product.product_id} className={styles.text}>
        <p className={styles.reason} data-reason>{reasonText(item)}</p>
        <h2 className={styles.title}><Link {...link}>{product.title}</Link></h2>
        {product.description ? <p className={styles.description}>{product.description}</p> : null}
        <Price
          priceMinor={product.price_minor}
          listPriceMinor={product.list_price_minor}
          currency={product.currency}
          locale={locale}
          isFrom={hasSeveralPrices(product)}
          size="page"
        />
        <div className={styles.actions}>
          {variant === null
            ? <Link {...link} className={button.bright}>Choose yours</Link>
            : <button type="button" className={button.bright} onClick={() => { add(product, variant, 1, origin); }}>Add to basket</button>}
          <button type="button" className={button.text} onClick={() => { ask({ item, product, decisionId, surface }); }}>
            Why?
            <SpokenOnly> Why am I seeing {product.title}?</SpokenOnly>
          </button>
        </div>
      </div>
      <Link {...link} className={styles.picture} tabIndex={-1} aria-hidden="true">
        <ProductPicture key={product.product_id} title={product.title} url={product.image_url} isFirst />
      </Link>
    </article>
  );
}
