/** What a shopper filters by, and its words in the address bar: a listing can be shared, reloaded and gone back to. */
export type Sort = "relevance" | "price" | "-price" | "newest";

export interface Listing {
  query: string;
  category: string[];
  brand: string[];
  /** Minor units of the shop's currency. */
  priceMin: number | null;
  priceMax: number | null;
  inStock: boolean;
  sort: Sort;
}

const SORTS: readonly Sort[] = ["relevance", "price", "-price", "newest"];

export function readListing(search: URLSearchParams): Listing {
  const sort = SORTS.find((known) => known === search.get("sort")) ?? "relevance";
  return {
    query: (search.get("q") ?? "").trim(),
    category: search.getAll("category"),
    brand: search.getAll("brand"),
    priceMin: readMinor(search.get("min")),
    priceMax: readMinor(search.get("max")),
    inStock: search.get("in_stock") === "yes",
    sort,
  };
}

export function writeListing(listing: Listing): URLSearchParams {
  const search = new URLSearchParams();
  if (listing.query !== "") search.set("q", listing.query);
  for (const category of listing.category) search.append("category", category);
  for (const brand of listing.brand) search.append("brand", brand);
  if (listing.priceMin !== null) search.set("min", String(listing.priceMin));
  if (listing.priceMax !== null) search.set("max", String(listing.priceMax));
  if (listing.inStock) search.set("in_stock", "yes");
  if (listing.sort !== "relevance") search.set("sort", listing.sort);
  return search;
}

export function toggled(values: readonly string[], value: string): string[] {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}

export function isFiltered(listing: Listing): boolean {
  const { category, brand, priceMin, priceMax, inStock } = listing;
  return category.length > 0 || brand.length > 0 || priceMin !== null || priceMax !== null || inStock;
}

function readMinor(text: string | null): number | null {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : null;
}
