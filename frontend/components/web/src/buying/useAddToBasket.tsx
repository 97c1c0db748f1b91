import { Link } from "react-router";

import type { Product, Variant } from "@smartshop/hooks/api/shapes.ts";
import { isAvailable } from "@smartshop/hooks/catalogue/availability.ts";
import { useShop } from "@smartshop/hooks/shop/ShopProvider.tsx";
import type { Origin } from "@smartshop/hooks/tracking/tracker.ts";

import button from "../button/Button.module.css";
import { useNotice } from "../notice/Notices.tsx";

type Add = (product: Product, variant: Variant, quantity: number, origin: Origin) => void;

/** Puts a variant into the basket, tells the shop, and tells the shopper. */
export function useAddToBasket(): Add {
  const { basket, tracker } = useShop();
  const tell = useNotice();
  return (product, variant, quantity, origin) => {
    const { product_id } = product;
    const { variant_id, price_minor, currency } = variant;
    basket.add({ product_id, variant_id, quantity, ...(origin.decision_id ? { decision_id: origin.decision_id } : {}) });
    tracker.track("product_added", { ...origin, product_id, variant_id, quantity, price_minor, currency });
    tell(`${product.title} is in your basket.`, <Link className={button.text} to="/basket">See basket</Link>);
  };
}

/** The variant that a one-touch "add" means: the only one, if it can be had and has a price. */
export function onlyVariant(product: Product): Variant | null {
  const [variant, another] = product.variants;
  if (variant === undefined || another !== undefined || typeof variant.price_minor !== "number") return null;
  return isAvailable(variant) ? variant : null;
}
