import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link, useNavigate } from "react-router";

import type { Order } from "@smartshop/hooks/api/shapes.ts";
import { usePricedBasket, type PricedLine } from "@smartshop/hooks/basket/useBasket.ts";
import { useWatchedProducts } from "@smartshop/hooks/catalogue/products.ts";
import { orderFor, placeOrder, shortageOf, type Shortage } from "@smartshop/hooks/orders/placeOrder.ts";
import { useShop } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { BasketLines } from "@smartshop/components-web/buying/BasketLines.tsx";
import { Totals } from "@smartshop/components-web/buying/Totals.tsx";
import button from "@smartshop/components-web/button/Button.module.css";
import { EmptyState, ErrorState } from "@smartshop/components-web/states/States.tsx";

import { useTitle } from "../parts/useTitle.ts";
import styles from "./BasketPage.module.css";

/** A real order without payment: it takes stock, and nothing about the person is asked. */
export function CheckoutPage() {
  const basket = usePricedBasket();
  const { basket: store } = useShop();
  const order = useOrder();
  useTitle("Checkout");
  useCheckoutStarted(basket.lines);
  useWatchedProducts([...new Set(basket.lines.map(({ line }) => line.product_id))]);
  const shortage = shortageOf(order.error);
  if (basket.lines.length === 0 && !order.isPending) {
    return <EmptyState title="There is nothing to order" headingLevel={1}><p>Put something into your basket first.</p></EmptyState>;
  }
  const lower = (found: Shortage) => {
    store.setQuantity(found.variantId, found.available);
    order.reset();
  };
  return (
    <>
      <header className={styles.header}><h1>Check and order</h1></header>
      <p className={styles.notice}>
        <strong>No payment, no address.</strong> This places a real order in this shop: the stock is taken and counted. We ask for no
        name, card or address, so nothing can be sent to you.
      </p>
      {shortage === null ? null : <ShortageNotice shortage={shortage} lines={basket.lines} onLower={lower} />}
      {order.error !== null && shortage === null
        ? <ErrorState what="The order was not placed" error={order.error} onRetry={() => { order.mutate(); }} />
        : null}
      <div className={styles.layout}>
        <BasketLines lines={basket.lines} />
        <aside className={styles.summary} aria-label="Summary">
          <Totals totals={basket.totals} isPending={basket.isPending} />
          <button type="button" className={button.button} disabled={order.isPending || basket.isPending} onClick={() => { order.mutate(); }}>
            {order.isPending ? "Placing the order…" : "Place the order"}
          </button>
          <p>Pressing it twice orders once. <Link to="/basket">Back to the basket</Link></p>
        </aside>
      </div>
    </>
  );
}

function ShortageNotice({ shortage, lines, onLower }: { shortage: Shortage; lines: PricedLine[]; onLower: (shortage: Shortage) => void }) {
  const title = lines.find(({ line }) => line.variant_id === shortage.variantId)?.product?.title ?? "this product";
  return (
    <div className={styles.shortage} role="alert">
      <p>
        {shortage.available > 0
          ? `We have only ${shortage.available} of ${title} left. Nothing was ordered yet.`
          : `${title} has just sold out. Nothing was ordered yet.`}
      </p>
      <button type="button" className={button.quiet} onClick={() => { onLower(shortage); }}>
        {shortage.available > 0 ? `Take ${shortage.available} instead` : "Take it out"}
      </button>
    </div>
  );
}

function useOrder() {
  const { basket, memory, own, storage } = useShop();
  const queries = useQueryClient();
  const navigate = useNavigate();
  return useMutation<Order>({
    mutationFn: () => placeOrder(own, orderFor(basket.lines(), storage), storage),
    onSuccess: async (order) => {
      memory.rememberOrder(order);
      await navigate(`/order/${encodeURIComponent(order.order_id)}`, { replace: true });
      basket.clear();
      void queries.invalidateQueries({ queryKey: ["product"] });
      void queries.invalidateQueries({ queryKey: ["slate"] });
    },
  });
}

function useCheckoutStarted(lines: PricedLine[]): void {
  const { tracker } = useShop();
  const content = JSON.stringify(lines.map(({ line: { product_id, variant_id, quantity } }) => ({ product_id, variant_id, quantity })));
  useEffect(() => {
    const products = JSON.parse(content) as { product_id: string; variant_id: string; quantity: number }[];
    if (products.length > 0) tracker.track("checkout_started", { products });
    // Once per visit of the page: correcting a quantity here is the same checkout.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [tracker]);
}
