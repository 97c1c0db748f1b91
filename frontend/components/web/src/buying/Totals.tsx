import { formatMoney, type Money } from "@smartshop/hooks/money/money.ts";
import { useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";

import styles from "./Totals.module.css";

/** The sum, one line per currency. */
export function Totals({ totals, isPending }: { totals: Money[]; isPending: boolean }) {
  const { locale } = useStorefront();
  return (
    <dl className={styles.totals} aria-live="polite" aria-busy={isPending}>
      {totals.map((total) => (
        <div key={total.currency}>
          <dt>Total</dt>
          <dd>{formatMoney(total, locale)}</dd>
        </div>
      ))}
    </dl>
  );
}
