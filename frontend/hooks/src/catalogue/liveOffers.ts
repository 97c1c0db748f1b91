/** Stock and prices that change while the page is open, applied to a product that is already shown. Pure. */
import type { Product, Variant } from "../api/shapes.ts";
import { isAvailable } from "./availability.ts";
import type { PriceFrame, StockFrame } from "../slates/frames.ts";

export function applyOffer(product: Product, frame: StockFrame | PriceFrame): Product {
  const variants = product.variants.map((variant) => (variant.variant_id === frame.variant_id ? applied(variant, frame) : variant));
  const changed = { ...product, variants, in_stock: variants.some(isAvailable) };
  return frame.type === "price" ? withLeadPrice(changed) : changed;
}

function applied(variant: Variant, frame: StockFrame | PriceFrame): Variant {
  if (frame.type === "stock") return { ...variant, available: frame.available };
  const { price_minor, list_price_minor, currency } = frame;
  return { ...variant, price_minor, list_price_minor: list_price_minor ?? null, currency: currency ?? variant.currency };
}

/** The product's own price is that of its cheapest variant. */
function withLeadPrice(product: Product): Product {
  const priced = product.variants.filter(({ price_minor }) => typeof price_minor === "number");
  const [first, ...others] = priced;
  if (first === undefined) return product;
  const lead = others.reduce((best, other) => (Number(other.price_minor) < Number(best.price_minor) ? other : best), first);
  return { ...product, price_minor: lead.price_minor, list_price_minor: lead.list_price_minor, currency: lead.currency };
}
