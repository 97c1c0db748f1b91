import { Plus } from "lucide-react";
import { useRef } from "react";
import { Link } from "react-router";

import type { Product, SlateItem } from "@smartshop/hooks/api/shapes.ts";
import { useShop, useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";
import type { Origin } from "@smartshop/hooks/tracking/tracker.ts";
import { useSeen } from "@smartshop/hooks/tracking/useSeen.ts";

import button from "../button/Button.module.css";
import { onlyVariant, useAddToBasket } from "../buying/useAddToBasket.tsx";
import { ProductPicture } from "../picture/ProductPicture.tsx";
import { Price } from "../price/Price.tsx";
import { SpokenOnly } from "../states/labels.tsx";
import { useWhy } from "../why/WhyContext.tsx";
import { reasonText } from "../why/words.ts";
import styles from "./ProductCard.module.css";
import { cardFlag, hasSeveralPrices, productHref } from "./productWords.ts";

/** Where the slate stood that brought this card. */
export interface Recommended {
  item: SlateItem;
  decisionId: string;
  surface: string;
}

interface Props {
  product: Product;
  /** Absent on plain lists. */
  recommended?: Recommended | undefined;
  /** The place of a plain list, for tracking. */
  surface: string;
  position: number;
  isFirst?: boolean;
  headingLevel?: 2 | 3;
}

export function ProductCard({ product, recommended, surface, position, isFirst = false, headingLevel = 3 }: Props) {
  const card = useRef<HTMLElement>(null);
  const { tracker } = useShop();
  const { locale, clock } = useStorefront();
  const origin = originOf({ recommended, surface, position });
  const Heading = headingLevel === 2 ? "h2" : "h3";
  const flag = cardFlag(product, clock);
  useSeen(card, { decisionId: recommended?.decisionId ?? null, productId: product.product_id, position });
  const clicked = () => {
    tracker.track(recommended ? "recommendation_clicked" : "product_clicked", { ...origin, product_id: product.product_id });
  };
  return (
    <article ref={card} className={styles.card} data-product-id={product.product_id} data-sold-out={!product.in_stock}>
      <div className={styles.window}>
        <ProductPicture title={product.title} url={product.image_url} isFirst={isFirst} />
        {flag === null ? null : <span className={styles.flag} data-kind={flag.kind}>{flag.words}</span>}
      </div>
      <div className={styles.text}>
        {product.brand ? <p className={styles.brand}>{product.brand}</p> : null}
        <Heading className={styles.title}>
          <Link to={productHref(product.product_id)} state={origin} onClick={clicked}>{product.title}</Link>
        </Heading>
        <Price
          priceMinor={product.price_minor}
          listPriceMinor={product.list_price_minor}
          currency={product.currency}
          locale={locale}
          isFrom={hasSeveralPrices(product)}
        />
      </div>
      <QuickAdd product={product} origin={origin} />
      {recommended === undefined ? null : <ReasonLine product={product} recommended={recommended} />}
    </article>
  );
}

function QuickAdd({ product, origin }: { product: Product; origin: Origin }) {
  const add = useAddToBasket();
  const variant = onlyVariant(product);
  if (variant === null || typeof variant.price_minor !== "number") return null;
  return (
    <button type="button" className={`${button.icon} ${styles.add}`} onClick={() => { add(product, variant, 1, origin); }}>
      <Plus size={20} aria-hidden="true" />
      <SpokenOnly>Add {product.title} to basket</SpokenOnly>
    </button>
  );
}

export function ReasonLine({ product, recommended }: { product: Product; recommended: Recommended }) {
  const ask = useWhy();
  const { item, decisionId, surface } = recommended;
  return (
    <p className={styles.reason}>
      <span data-reason>{reasonText(item)}</span>{" "}
      <button type="button" className={button.text} onClick={() => { ask({ item, product, decisionId, surface }); }}>
        Why?
        <SpokenOnly> Why am I seeing {product.title}?</SpokenOnly>
      </button>
    </p>
  );
}

function originOf({ recommended, surface, position }: Pick<Props, "recommended" | "surface" | "position">): Origin {
  if (recommended === undefined) return { surface, position };
  return { surface: recommended.surface, decision_id: recommended.decisionId, position: recommended.item.position };
}
