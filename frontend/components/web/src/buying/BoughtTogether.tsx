import { useRef } from "react";
import { Link } from "react-router";

import type { Product, Variant } from "@smartshop/hooks/api/shapes.ts";
import { offerPrice } from "@smartshop/hooks/basket/useBasket.ts";
import { isAvailable } from "@smartshop/hooks/catalogue/availability.ts";
import { formatMoney, sumByCurrency } from "@smartshop/hooks/money/money.ts";
import { useShop, useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { useBoughtTogether } from "@smartshop/hooks/slates/useSlate.ts";
import { useSeen, useShownSlate } from "@smartshop/hooks/tracking/useSeen.ts";
import type { Origin } from "@smartshop/hooks/tracking/tracker.ts";

import button from "../button/Button.module.css";
import { ReasonLine, type Recommended } from "../card/ProductCard.tsx";
import { productHref } from "../card/productWords.ts";
import { useNotice } from "../notice/Notices.tsx";
import { ProductPicture } from "../picture/ProductPicture.tsx";
import { Price } from "../price/Price.tsx";
import { useSlateCards } from "../row/useSlateCards.ts";
import styles from "./BoughtTogether.module.css";

const COMPANIONS = 3;

interface Piece {
  product: Product;
  variant: Variant;
  recommended: Recommended | null;
}

/** The product with what others took along, and one button for all of it. */
export function BoughtTogether({ product }: { product: Product }) {
  const { slate } = useBoughtTogether(product.product_id, COMPANIONS);
  const { cards, shown } = useSlateCards(slate);
  const { locale } = useStorefront();
  const addAll = useAddAll();
  useShownSlate(shown, cards.length);
  const own = available(product);
  const companions = cards.flatMap(({ product: other, recommended }) => {
    const variant = available(other);
    return variant === null ? [] : [{ product: other, variant, recommended }];
  });
  if (own === null || companions.length === 0) return null;
  const pieces: Piece[] = [{ product, variant: own, recommended: null }, ...companions];
  const totals = sumByCurrency(pieces.flatMap(({ variant }) => offerPrice(variant) ?? []));
  return (
    <section className={styles.together} aria-labelledby="together" data-place="together">
      <h2 id="together" className={styles.heading}>Bought together</h2>
      <ul className={styles.pieces}>
        {pieces.map((piece) => <li key={piece.product.product_id}><PieceCard piece={piece} /></li>)}
      </ul>
      <div className={styles.all}>
        <p>All {pieces.length} for <strong>{totals.map((total) => formatMoney(total, locale)).join(" + ")}</strong></p>
        <button type="button" className={button.button} onClick={() => { addAll(pieces); }}>Add all {pieces.length}</button>
      </div>
    </section>
  );
}

function PieceCard({ piece }: { piece: Piece }) {
  const { product, recommended } = piece;
  const element = useRef<HTMLElement>(null);
  const { tracker } = useShop();
  const { locale } = useStorefront();
  const origin = originOf(piece);
  useSeen(element, { decisionId: recommended?.decisionId ?? null, productId: product.product_id, position: origin.position ?? 0 });
  const clicked = () => { tracker.track("recommendation_clicked", { ...origin, product_id: product.product_id }); };
  return (
    <article ref={element} className={styles.piece} data-product-id={product.product_id}>
      <span className={styles.picture}><ProductPicture title={product.title} url={product.image_url} /></span>
      <div>
        <h3>
          {recommended === null
            ? <>This: {product.title}</>
            : <Link to={productHref(product.product_id)} state={origin} onClick={clicked}>{product.title}</Link>}
        </h3>
        <Price priceMinor={piece.variant.price_minor} currency={piece.variant.currency} locale={locale} />
        {recommended === null ? null : <ReasonLine product={product} recommended={recommended} />}
      </div>
    </article>
  );
}

function available(product: Product): Variant | null {
  return product.variants.find((variant) => isAvailable(variant) && typeof variant.price_minor === "number") ?? null;
}

function originOf({ recommended }: Piece): Origin {
  if (recommended === null) return { surface: "product" };
  return { surface: recommended.surface, decision_id: recommended.decisionId, position: recommended.item.position };
}

function useAddAll(): (pieces: Piece[]) => void {
  const { basket, tracker } = useShop();
  const tell = useNotice();
  return (pieces) => {
    for (const piece of pieces) {
      const { product_id } = piece.product;
      const { variant_id, price_minor, currency } = piece.variant;
      const origin = originOf(piece);
      basket.add({ product_id, variant_id, quantity: 1, ...(origin.decision_id ? { decision_id: origin.decision_id } : {}) });
      tracker.track("product_added", { ...origin, product_id, variant_id, quantity: 1, price_minor, currency });
    }
    tell(`${pieces.length} products are in your basket.`, <Link className={button.text} to="/basket">See basket</Link>);
  };
}
