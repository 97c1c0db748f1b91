import { useEffect } from "react";

import { useStorefront } from "@smartshop/hooks/shop/ShopProvider.tsx";

export function useTitle(page: string | null): void {
  const { shop_name } = useStorefront();
  useEffect(() => {
    document.title = page === null ? shop_name : `${page} · ${shop_name}`;
  }, [page, shop_name]);
}
