import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link } from "react-router";

import { productKey } from "@smartshop/hooks/catalogue/products.ts";
import { useShop } from "@smartshop/hooks/shop/ShopProvider.tsx";
import { WAITS } from "@smartshop/hooks/waits/useWait.ts";

import { productHref } from "../card/productWords.ts";
import { noticeLink, useNotice } from "./Notices.tsx";

/** Says it when something is back that the shopper asked for, or came to look for in vain. */
export function BackInStock(): null {
  const { returns } = useShop();
  const queries = useQueryClient();
  const tell = useNotice();
  useEffect(
    () =>
      returns.subscribe((frame) => {
        void queries.invalidateQueries({ queryKey: productKey(frame.product_id) });
        void queries.invalidateQueries({ queryKey: [WAITS] });
        tell(`${frame.title} is back in stock.`, <Link className={noticeLink} to={productHref(frame.product_id)}>See it</Link>);
      }),
    [returns, queries, tell],
  );
  return null;
}
