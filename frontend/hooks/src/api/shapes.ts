/** Short names for the service's own shapes, generated from its OpenAPI document. */
import type { components } from "./schema.d.ts";

type Schemas = components["schemas"];

export type Storefront = Schemas["Storefront"];
export type ShopperToken = Schemas["ShopperToken"];
export type Product = Schemas["Product"];
export type Variant = Product["variants"][number];
export type SearchResult = Schemas["SearchResult"];
export type Category = Schemas["Category"];
export type Slate = Schemas["Slate"];
export type SlateItem = Schemas["SlateItem"];
export type SlateRequest = Schemas["SlateRequest"];
export type Surface = SlateRequest["surface"];
export type Reason = Schemas["Reason"];
export type ShopEvent = Schemas["Event"];
export type EventKind = ShopEvent["kind"];
export type Order = Schemas["Order"];
export type OrderRequest = Schemas["OrderRequest"];
export type Problem = Schemas["Problem"];
