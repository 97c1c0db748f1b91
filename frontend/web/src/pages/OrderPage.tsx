import { Link, useParams } from "react-router";

import type { Order } from "@smartshop/hooks/api/shapes.ts";
import { useProducts } from "@smartshop/hooks/catalogue/products.ts";
import { formatMoney } from "@smartshop/hooks/money/money.ts";
import { useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { useSlate } from "@smartshop/hooks/slates/useSlate.ts";
import { useMemory } from "@smartshop/hooks/storage/useMemory.ts";
import button from "@smartshop/components-web/button/Button.module.css";
import { SlateRow } from "@smartshop/components-web/row/SlateRow.tsx";
import { EmptyState } from "@smartshop/components-web/states/States.tsx";

import { useTitle } from "../parts/useTitle.ts";
import styles from "./BasketPage.module.css";

const ROW_LIMIT = 10;

export function OrderPage() {
  const { orderId } = useParams();
  const order = useMemory().orders().find(({ order_id }) => order_id === orderId);
  useTitle("Your order");
  if (order === undefined) {
    return <EmptyState title="This browser does not know that order" headingLevel={1}><p>Orders are kept only in the browser that placed them.</p></EmptyState>;
  }
  return (
    <>
      <section className={styles.thanks}>
        <h1>Thank you, it is ordered</h1>
        <p>We took the goods off the shelf for you. Nothing was charged, and nothing will be sent.</p>
        <Receipt order={order} />
        <Link className={button.button} to="/">Look around some more</Link>
      </section>
      <AfterOrder />
    </>
  );
}

function Receipt({ order }: { order: Order }) {
  const { locale } = useStorefront();
  const { products } = useProducts([...new Set(order.lines.map(({ product_id }) => product_id))]);
  const { currency } = order;
  return (
    <div className={styles.receipt}>
      <ul>
        {order.lines.map(({ line_id, product_id, quantity, unit_price_minor }) => (
          <li key={line_id}>
            <span>{quantity} × {products.get(product_id)?.title ?? product_id}</span>
            <span>{typeof unit_price_minor === "number" ? formatMoney({ minor: unit_price_minor * quantity, currency }, locale) : ""}</span>
          </li>
        ))}
        <li>
          <strong>Total</strong>
          <strong>{formatMoney({ minor: order.total_minor, currency }, locale)}</strong>
        </li>
      </ul>
      <p>Order <code>{order.order_id}</code>, {new Date(order.ordered_at).toLocaleString(locale, { dateStyle: "long", timeStyle: "short" })}</p>
    </div>
  );
}

function AfterOrder() {
  const { slate, error } = useSlate({ surface: "order", limit: ROW_LIMIT });
  return <SlateRow title="For next time" slate={slate} isPending={slate === null && error === null} place="order" />;
}
