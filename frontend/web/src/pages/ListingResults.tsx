import type { useListing } from "@smartshop/hooks/catalogue/search.ts";
import { isFiltered, type Listing } from "@smartshop/hooks/catalogue/listing.ts";
import button from "@smartshop/components-web/button/Button.module.css";
import { ProductCard } from "@smartshop/components-web/card/ProductCard.tsx";
import { CardSkeletons, EmptyState, Loading } from "@smartshop/components-web/states/States.tsx";

import styles from "./ListingPage.module.css";

interface Props {
  found: ReturnType<typeof useListing>;
  listing: Listing;
  surface: string;
  onChange: (listing: Listing) => void;
}

const EAGER_PICTURES = 4;

export function ListingResults({ found, listing, surface, onChange }: Props) {
  if (found.isPending) {
    return (
      <>
        <Loading what="products" />
        <CardSkeletons count={8} className={styles.grid} />
      </>
    );
  }
  const products = (found.data?.pages ?? []).flatMap(({ items }) => items);
  const total = found.data?.pages[0]?.total ?? 0;
  if (products.length === 0) return <NothingFound listing={listing} onChange={onChange} />;
  return (
    <div aria-busy={found.isPlaceholderData} className={styles.results}>
      <ul className={styles.grid}>
        {products.map((product, index) => (
          <li key={product.product_id}>
            <ProductCard product={product} surface={surface} position={index} isFirst={index < EAGER_PICTURES} headingLevel={2} />
          </li>
        ))}
      </ul>
      <div className={styles.more}>
        <p>{products.length} of {total} shown</p>
        {found.hasNextPage ? (
          <button type="button" className={button.quiet} disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {found.isFetchingNextPage ? "Fetching…" : "Show more"}
          </button>
        ) : null}
      </div>
    </div>
  );
}

function NothingFound({ listing, onChange }: Pick<Props, "listing" | "onChange">) {
  const withoutFilters = { ...listing, category: [], brand: [], priceMin: null, priceMax: null, inStock: false };
  if (isFiltered(listing)) {
    const clear = <button type="button" className={button.button} onClick={() => { onChange(withoutFilters); }}>Clear all filters</button>;
    return <EmptyState title="Nothing fits all of that" action={clear}><p>Take a filter away to see more.</p></EmptyState>;
  }
  return (
    <EmptyState title="Nothing found">
      <p>Try a simpler word, or walk through the departments above.</p>
    </EmptyState>
  );
}
