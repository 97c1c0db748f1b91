import { Link } from "react-router";

import { countUnits } from "@smartshop/hooks/basket/basket.ts";
import { usePricedBasket } from "@smartshop/hooks/basket/useBasket.ts";
import { useWatchedProducts } from "@smartshop/hooks/catalogue/products.ts";
import { useSlate } from "@smartshop/hooks/slates/useSlate.ts";
import { BasketLines } from "@smartshop/components-web/buying/BasketLines.tsx";
import { Totals } from "@smartshop/components-web/buying/Totals.tsx";
import button from "@smartshop/components-web/button/Button.module.css";
import { SlateRow } from "@smartshop/components-web/row/SlateRow.tsx";
import { UpdatedNote } from "@smartshop/components-web/row/UpdatedNote.tsx";
import { useSettled } from "@smartshop/components-web/row/useSettled.ts";
import { EmptyState, ErrorState } from "@smartshop/components-web/states/States.tsx";

import { useTitle } from "../parts/useTitle.ts";
import styles from "./BasketPage.module.css";

const ROW_LIMIT = 10;

export function BasketPage() {
  const basket = usePricedBasket();
  const productIds = [...new Set(basket.lines.map(({ line }) => line.product_id))];
  const units = countUnits(basket.lines.map(({ line }) => line));
  useTitle("Basket");
  useWatchedProducts(productIds);
  return (
    <>
      <header className={styles.header}>
        <h1>Your basket</h1>
        {units === 0 ? null : <p>{units === 1 ? "1 product" : `${units} products`}</p>}
      </header>
      {basket.error === null ? null : <ErrorState what="Prices could not be fetched" error={basket.error} />}
      {units === 0 ? (
        <EmptyState title="Nothing in it yet"><p>What you add waits here, also when you close the page.</p></EmptyState>
      ) : (
        <div className={styles.layout}>
          <BasketLines lines={basket.lines} />
          <aside className={styles.summary} aria-label="Summary">
            <Totals totals={basket.totals} isPending={basket.isPending} />
            <Link className={button.button} to="/checkout">Go to checkout</Link>
            <p>Delivery costs nothing, and no payment is taken.</p>
          </aside>
        </div>
      )}
      <GoesWith productIds={productIds} />
    </>
  );
}

function GoesWith({ productIds }: { productIds: string[] }) {
  const live = useSlate({ surface: "basket", basket: productIds, limit: ROW_LIMIT });
  const { slate, hasMoved } = useSettled("basket", live.slate);
  const standsIn = slate?.items.some(({ reason }) => reason?.code === "substitute") ?? false;
  const title = productIds.length === 0 ? "A good place to start" : standsIn ? "Instead of what is sold out" : "Goes with what you have";
  const otherwise = standsIn ? "First what stands in for it, then what completes your basket." : "Chosen to complete your basket.";
  const note = <UpdatedNote hasMoved={hasMoved} revision={slate?.revision ?? 0} otherwise={otherwise} />;
  return <SlateRow title={title} note={note} slate={slate} isPending={slate === null && live.error === null} place="basket" />;
}
