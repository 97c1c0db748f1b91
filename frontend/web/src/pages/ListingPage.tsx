import { useEffect } from "react";
import { Link, useLocation, useSearchParams } from "react-router";

import { categoryFromPathname, categoryHref, categoryPath, offeredCategories } from "@smartshop/hooks/catalogue/category.ts";
import { readListing, writeListing, type Listing } from "@smartshop/hooks/catalogue/listing.ts";
import { childrenOf, useCategories, useListing } from "@smartshop/hooks/catalogue/search.ts";
import { useShop, useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { Crumbs } from "@smartshop/components-web/chrome/Crumbs.tsx";
import { Facets } from "@smartshop/components-web/facets/Facets.tsx";
import { FacetSheet } from "@smartshop/components-web/facets/FacetSheet.tsx";
import { ChosenFilters, SortMenu } from "@smartshop/components-web/facets/ListingControls.tsx";
import { ErrorState } from "@smartshop/components-web/states/States.tsx";

import { useTitle } from "../parts/useTitle.ts";
import styles from "./ListingPage.module.css";
import { ListingResults } from "./ListingResults.tsx";

/** A department, or what a search found: the same shelf, narrowed by the address bar. */
export function ListingPage() {
  const { pathname } = useLocation();
  const [search, setSearch] = useSearchParams();
  const { currency } = useStorefront();
  const base = pathname.startsWith("/shop") ? categoryFromPathname(pathname) : null;
  const chosen = readListing(search);
  const found = useListing(withinCategory(chosen, base));
  const heading = base === null ? searchHeading(chosen.query) : (categoryPath(base).at(-1) ?? "Everything");
  useTitle(heading);
  useSearched(base === null ? chosen.query : "");

  const first = found.data?.pages[0];
  const facets = { ...(first?.facets ?? NO_FACETS), category: offeredCategories(first?.facets.category ?? [], base, chosen.category) };
  const change = (listing: Listing) => { setSearch(writeListing(listing), { preventScrollReset: true }); };
  const narrowing = { listing: chosen, facets, currency, onChange: change };
  return (
    <>
      {base === null ? null : <Crumbs category={base} />}
      <header className={styles.header}>
        <h1>{heading}</h1>
        <p role="status">{first === undefined ? "Looking…" : first.total === 1 ? "1 product" : `${first.total} products`}</p>
      </header>
      <SubCategories base={base} />
      <div className={styles.layout}>
        <aside className={styles.side} aria-label="Narrow it down"><Facets {...narrowing} /></aside>
        <div>
          <div className={styles.controls}>
            <FacetSheet {...narrowing} />
            <ChosenFilters listing={chosen} currency={currency} onChange={change} />
            <SortMenu listing={chosen} onChange={change} />
          </div>
          {found.error !== null && first === undefined
            ? <ErrorState what="The shelf could not be fetched" error={found.error} onRetry={() => void found.refetch()} />
            : <ListingResults found={found} listing={chosen} surface={base === null ? "search" : "category"} onChange={change} />}
        </div>
      </div>
    </>
  );
}

const NO_FACETS = { category: [], brand: [], price_minor: { min: null, max: null } };

function searchHeading(query: string): string {
  return query === "" ? "Everything we have" : `“${query}”`;
}

/** What was ticked below the department narrows it; without a tick the whole department is meant. */
function withinCategory(listing: Listing, base: string | null): Listing {
  if (base === null || base === "" || listing.category.length > 0) return listing;
  return { ...listing, category: [base] };
}

function SubCategories({ base }: { base: string | null }) {
  const { data } = useCategories();
  const children = base === null ? [] : childrenOf(data ?? [], base === "" ? null : base);
  if (children.length === 0) return null;
  return (
    <nav className={styles.children} aria-label="Within this department">
      <ul>
        {children.map(({ category, name, product_count }) => (
          <li key={category}>
            <Link to={categoryHref(category)}>{name} <span>{product_count}</span></Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

/** Says once what was searched for, not at every change of a filter. */
function useSearched(query: string): void {
  const { tracker } = useShop();
  useEffect(() => {
    if (query !== "") tracker.track("searched", { query, surface: "search" });
  }, [tracker, query]);
}
