import { useId, useState, type SyntheticEvent } from "react";

import type { SearchResult } from "@smartshop/hooks/api/shapes.ts";
import { categoryPath, toggleCategory } from "@smartshop/hooks/catalogue/category.ts";
import { toggled, type Listing } from "@smartshop/hooks/catalogue/listing.ts";
import { parseAmount, toDecimal } from "@smartshop/hooks/money/money.ts";

import button from "../button/Button.module.css";
import styles from "./Facets.module.css";

interface Props {
  listing: Listing;
  facets: SearchResult["facets"];
  currency: string;
  onChange: (listing: Listing) => void;
}

/** Ways to narrow a listing. Every choice is in the address bar, so each can be shared and gone back from. */
export function Facets({ listing, facets, currency, onChange }: Props) {
  return (
    <div className={styles.facets}>
      <Choices
        title="Category"
        values={withChosen(facets.category, listing.category)}
        chosen={listing.category}
        nameOf={(value) => categoryPath(value).at(-1) ?? value}
        onToggle={(value) => { onChange({ ...listing, category: toggleCategory(listing.category, value) }); }}
        depthOf={(value) => categoryPath(value).length}
      />
      <Choices
        title="Brand"
        values={withChosen(facets.brand, listing.brand)}
        chosen={listing.brand}
        nameOf={(value) => value}
        onToggle={(value) => { onChange({ ...listing, brand: toggled(listing.brand, value) }); }}
      />
      <PriceRange key={`${listing.priceMin ?? ""}-${listing.priceMax ?? ""}`} listing={listing} facets={facets} currency={currency} onChange={onChange} />
      <label className={styles.choice}>
        <input type="checkbox" checked={listing.inStock} onChange={(event) => { onChange({ ...listing, inStock: event.target.checked }); }} />
        <span>Only what is in stock</span>
      </label>
    </div>
  );
}

type Counted = SearchResult["facets"]["category"][number];

/** What was chosen stays visible, also when nothing is left in it: else it could not be taken back. */
function withChosen(counted: readonly Counted[], chosen: readonly string[]): Counted[] {
  const missing = chosen.filter((value) => counted.every((other) => other.value !== value));
  return [...counted, ...missing.map((value) => ({ value, count: 0 }))];
}

const SHOWN_AT_FIRST = 10;

interface ChoicesProps {
  title: string;
  values: Counted[];
  chosen: readonly string[];
  nameOf: (value: string) => string;
  onToggle: (value: string) => void;
  /** Deeper values stand further in. */
  depthOf?: (value: string) => number;
}

function Choices({ title, values, chosen, nameOf, onToggle, depthOf = () => 0 }: ChoicesProps) {
  const [showsAll, setShowsAll] = useState(false);
  if (values.length === 0) return null;
  const shallowest = Math.min(...values.map(({ value }) => depthOf(value)));
  const shown = showsAll ? values : values.filter(({ value }, index) => index < SHOWN_AT_FIRST || chosen.includes(value));
  return (
    <fieldset className={styles.group}>
      <legend>{title}</legend>
      {shown.map(({ value, count }) => (
        <label key={value} className={styles.choice} style={{ paddingInlineStart: `${depthOf(value) - shallowest}rem` }}>
          <input type="checkbox" checked={chosen.includes(value)} onChange={() => { onToggle(value); }} />
          <span>{nameOf(value)}</span>
          <span className={styles.count}>{count}</span>
        </label>
      ))}
      {shown.length < values.length
        ? <button type="button" className={button.text} onClick={() => { setShowsAll(true); }}>Show all {values.length}</button>
        : null}
    </fieldset>
  );
}

function PriceRange({ listing, facets, currency, onChange }: Props) {
  const [min, setMin] = useState(amountText(listing.priceMin, currency));
  const [max, setMax] = useState(amountText(listing.priceMax, currency));
  const errorId = useId();
  const priceMin = min.trim() === "" ? null : parseAmount(min, currency);
  const priceMax = max.trim() === "" ? null : parseAmount(max, currency);
  const isWrong = (min.trim() !== "" && priceMin === null) || (max.trim() !== "" && priceMax === null);
  const isCrossed = priceMin !== null && priceMax !== null && priceMin > priceMax;
  const complaint = isWrong ? `Write amounts like ${toDecimal({ minor: 1250, currency })}.` : isCrossed ? "The lowest price is above the highest." : null;
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    if (complaint === null) onChange({ ...listing, priceMin, priceMax });
  };
  const described = complaint === null ? {} : { "aria-invalid": true, "aria-describedby": errorId };
  return (
    <form onSubmit={submit}>
      <fieldset className={styles.group}>
        <legend>Price in {currency}</legend>
        <div className={styles.range}>
          <label>
            <span>From</span>
            <input inputMode="decimal" value={min} placeholder={amountText(facets.price_minor.min ?? null, currency)} onChange={(event) => { setMin(event.target.value); }} {...described} />
          </label>
          <label>
            <span>To</span>
            <input inputMode="decimal" value={max} placeholder={amountText(facets.price_minor.max ?? null, currency)} onChange={(event) => { setMax(event.target.value); }} {...described} />
          </label>
          <button type="submit" className={button.quiet}>Set</button>
        </div>
        {complaint === null ? null : <p id={errorId} className={styles.complaint} role="alert">{complaint}</p>}
      </fieldset>
    </form>
  );
}

function amountText(minor: number | null, currency: string): string {
  return minor === null ? "" : toDecimal({ minor, currency });
}
