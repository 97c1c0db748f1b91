import { keepPreviousData, useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";

import { answer } from "../api/client.ts";
import type { Category } from "../api/shapes.ts";
import { useShop } from "../shop/ShopProvider.tsx";
import type { Listing } from "./listing.ts";
import { rememberProducts } from "./products.ts";

const PAGE_SIZE = 24;

/** Products for a listing, page by page, with the counts to narrow it by. */
export function useListing(listing: Listing) {
  const { catalogue } = useShop();
  const queries = useQueryClient();
  return useInfiniteQuery({
    queryKey: ["listing", listing],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam }) => {
      const query = { ...wireQuery(listing), ...(pageParam === null ? {} : { cursor: pageParam }) };
      const page = await answer(catalogue.GET("/v1/search", { params: { query } }));
      rememberProducts(queries, page.items);
      return page;
    },
    getNextPageParam: ({ next_cursor }) => next_cursor,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
}

function wireQuery(listing: Listing) {
  const { query, category, brand, priceMin, priceMax, inStock, sort } = listing;
  return {
    limit: PAGE_SIZE,
    sort,
    ...(query === "" ? {} : { query }),
    ...(category.length === 0 ? {} : { category }),
    ...(brand.length === 0 ? {} : { brand }),
    ...(priceMin === null ? {} : { price_min: priceMin }),
    ...(priceMax === null ? {} : { price_max: priceMax }),
    ...(inStock ? { in_stock: true } : {}),
  };
}

export function useCategories() {
  const { catalogue } = useShop();
  return useQuery({
    queryKey: ["categories"],
    queryFn: async () => (await answer(catalogue.GET("/v1/categories"))).items,
    staleTime: 5 * 60_000,
  });
}

/** Departments first; below one, its own children. The fullest first. */
export function childrenOf(categories: readonly Category[], parent: string | null): Category[] {
  const children = categories.filter((category) => (category.parent ?? null) === parent && category.product_count > 0);
  return children.sort((one, other) => other.product_count - one.product_count || one.name.localeCompare(other.name));
}
