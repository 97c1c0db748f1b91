import { ChevronLeft, ChevronRight } from "lucide-react";
import { useId, useRef, type ReactNode } from "react";

import button from "../button/Button.module.css";
import { SpokenOnly } from "../states/labels.tsx";
import styles from "./CardRow.module.css";
import { useFlip } from "./useFlip.ts";

export interface RowEntry {
  key: string;
  card: ReactNode;
}

interface Props {
  title: ReactNode;
  note?: ReactNode;
  entries: RowEntry[];
  layout: "row" | "grid";
  place: string;
}

/** A titled list of cards: a row that is pushed sideways, or a grid. Cards travel when the order changes. */
export function CardRow({ title, note, entries, layout, place }: Props) {
  const list = useRef<HTMLUListElement>(null);
  const headingId = useId();
  useFlip(list, entries.map(({ key }) => key).join("\u0000"));
  return (
    <section className={styles.section} aria-labelledby={headingId} data-place={place}>
      <header className={styles.header}>
        <div>
          <h2 id={headingId} className={styles.title}>{title}</h2>
          {note}
        </div>
        {layout === "row" ? <Pushers push={(direction) => { push(list.current, direction); }} /> : null}
      </header>
      <ul ref={list} className={layout === "row" ? styles.row : styles.grid}>
        {entries.map(({ key, card }) => <li key={key} data-flip={key}>{card}</li>)}
      </ul>
    </section>
  );
}

function Pushers({ push: pushBy }: { push: (direction: 1 | -1) => void }) {
  return (
    <div className={styles.pushers}>
      <button type="button" className={button.icon} onClick={() => { pushBy(-1); }}>
        <ChevronLeft size={20} aria-hidden="true" />
        <SpokenOnly>Earlier in this row</SpokenOnly>
      </button>
      <button type="button" className={button.icon} onClick={() => { pushBy(1); }}>
        <ChevronRight size={20} aria-hidden="true" />
        <SpokenOnly>Further in this row</SpokenOnly>
      </button>
    </div>
  );
}

function push(list: HTMLElement | null, direction: 1 | -1): void {
  list?.scrollBy({ left: direction * list.clientWidth * 0.8, behavior: "smooth" });
}
