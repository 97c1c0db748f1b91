import { formatMoney } from "@smartshop/hooks/money/money.ts";

import { SpokenOnly } from "../states/labels.tsx";
import styles from "./Price.module.css";

interface Props {
  priceMinor: number | null | undefined;
  listPriceMinor?: number | null | undefined;
  currency: string | null | undefined;
  locale: string;
  /** Some variants cost more: say "from". */
  isFrom?: boolean;
  size?: "card" | "page";
}

export function Price({ priceMinor, listPriceMinor, currency, locale, isFrom = false, size = "card" }: Props) {
  if (typeof priceMinor !== "number" || !currency) return <p className={styles.price}>Price on request</p>;
  const isReduced = typeof listPriceMinor === "number" && listPriceMinor > priceMinor;
  return (
    <p className={styles.price} data-size={size} data-reduced={isReduced}>
      <span>
        {isReduced ? <SpokenOnly>Now </SpokenOnly> : null}
        {isFrom ? <small>from </small> : null}
        {formatMoney({ minor: priceMinor, currency }, locale)}
      </span>
      {isReduced ? (
        <s>
          <SpokenOnly>was </SpokenOnly>
          {formatMoney({ minor: listPriceMinor, currency }, locale)}
        </s>
      ) : null}
    </p>
  );
}
