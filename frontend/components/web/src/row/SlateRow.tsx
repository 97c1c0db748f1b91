import type { ReactNode } from "react";

import type { ShownSlate } from "@smartshop/hooks/slates/liveSlates.ts";
import { useShownSlate } from "@smartshop/hooks/tracking/useSeen.ts";

import { ProductCard } from "../card/ProductCard.tsx";
import { CardSkeletons } from "../states/States.tsx";
import rowStyles from "./CardRow.module.css";
import { CardRow } from "./CardRow.tsx";
import { useSlateCards, type SlateCard } from "./useSlateCards.ts";

interface Props {
  title: ReactNode;
  note?: ReactNode;
  slate: ShownSlate | null;
  isPending: boolean;
  place: string;
  /** Below this there is nothing worth a row. */
  fewest?: number;
}

/** A recommended row: cards with their reasons, reported as seen only where they were seen. Nothing to show, no row. */
export function SlateRow({ title, note, slate, isPending, place, fewest = 2 }: Props) {
  const { cards, shown, isLoading } = useSlateCards(slate);
  useShownSlate(shown, cards.length);
  if (isPending || (isLoading && cards.length === 0)) return <RowSkeleton title={title} />;
  if (slate === null || cards.length < fewest) return null;
  return <CardRow title={title} note={note} layout="row" place={place} entries={cards.map(slateEntry)} />;
}

export function slateEntry({ product, recommended }: SlateCard) {
  const { item, surface } = recommended;
  const card = <ProductCard product={product} recommended={recommended} surface={surface} position={item.position} />;
  return { key: product.product_id, card };
}

function RowSkeleton({ title }: { title: ReactNode }) {
  return (
    <section className={rowStyles.section} aria-busy="true">
      <header className={rowStyles.header}>
        <h2 className={rowStyles.title}>{title}</h2>
      </header>
      <CardSkeletons count={5} className={rowStyles.row} />
    </section>
  );
}
