import { X } from "lucide-react";

import { categoryPath, toggleCategory } from "@smartshop/hooks/catalogue/category.ts";
import { toggled, type Listing, type Sort } from "@smartshop/hooks/catalogue/listing.ts";
import { formatMoney } from "@smartshop/hooks/money/money.ts";
import { useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";

import { SpokenOnly } from "../states/labels.tsx";
import styles from "./ListingControls.module.css";

interface Props {
  listing: Listing;
  onChange: (listing: Listing) => void;
}

const SORT_WORDS: [Sort, string][] = [
  ["relevance", "Best match"],
  ["price", "Price, low to high"],
  ["-price", "Price, high to low"],
  ["newest", "Newest"],
];

export function SortMenu({ listing, onChange }: Props) {
  return (
    <label className={styles.sort}>
      <span>Sort by</span>
      <select value={listing.sort} onChange={(event) => { onChange({ ...listing, sort: event.target.value as Sort }); }}>
        {SORT_WORDS.map(([sort, words]) => <option key={sort} value={sort}>{words}</option>)}
      </select>
    </label>
  );
}

interface Chosen {
  key: string;
  words: string;
  without: Listing;
}

/** What is filtered by, each with a way to take it back. */
export function ChosenFilters({ listing, currency, onChange }: Props & { currency: string }) {
  const { locale } = useStorefront();
  const money = (minor: number) => formatMoney({ minor, currency }, locale);
  const filters = chosenFilters(listing, money);
  if (filters.length === 0) return null;
  return (
    <ul className={styles.chosen} aria-label="Filters in use">
      {filters.map(({ key, words, without }) => (
        <li key={key}>
          <button type="button" onClick={() => { onChange(without); }}>
            <SpokenOnly>Remove filter </SpokenOnly>{words}
            <X size={14} aria-hidden="true" />
          </button>
        </li>
      ))}
    </ul>
  );
}

function chosenFilters(listing: Listing, money: (minor: number) => string): Chosen[] {
  const { category, brand, priceMin, priceMax, inStock } = listing;
  const filters = [
    ...category.map((value) => ({ key: `c ${value}`, words: categoryPath(value).at(-1) ?? value, without: { ...listing, category: toggleCategory(category, value) } })),
    ...brand.map((value) => ({ key: `b ${value}`, words: value, without: { ...listing, brand: toggled(brand, value) } })),
  ];
  if (priceMin !== null) filters.push({ key: "min", words: `From ${money(priceMin)}`, without: { ...listing, priceMin: null } });
  if (priceMax !== null) filters.push({ key: "max", words: `Up to ${money(priceMax)}`, without: { ...listing, priceMax: null } });
  if (inStock) filters.push({ key: "stock", words: "In stock", without: { ...listing, inStock: false } });
  return filters;
}
