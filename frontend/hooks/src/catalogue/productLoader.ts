/** Cards ask for one product each; what is asked in the same moment travels as one request. */
import { answer, type ApiClient } from "../api/client.ts";
import { isNotFound } from "../api/problem.ts";
import type { Product } from "../api/shapes.ts";

/** The service's own limit for `ids`. */
const MAX_IDS = 200;

interface Waiting {
  productId: string;
  resolve: (product: Product | null) => void;
  reject: (error: unknown) => void;
}

/** Returns a function giving the product, or null when the shop does not have it. */
export function productLoader(api: ApiClient): (productId: string) => Promise<Product | null> {
  let waiting: Waiting[] = [];

  const sendTogether = () => {
    const asked = waiting;
    waiting = [];
    for (let start = 0; start < asked.length; start += MAX_IDS) void load(api, asked.slice(start, start + MAX_IDS));
  };

  return (productId) => {
    if (productId.includes(",")) return loadAlone(api, productId); // A comma would read as two ids in the list.
    return new Promise((resolve, reject) => {
      if (waiting.length === 0) queueMicrotask(() => setTimeout(sendTogether, 0));
      waiting.push({ productId, resolve, reject });
    });
  };
}

async function load(api: ApiClient, asked: Waiting[]): Promise<void> {
  try {
    const ids = [...new Set(asked.map(({ productId }) => productId))];
    const page = await answer(api.GET("/v1/products", { params: { query: { ids } } }));
    const found = new Map(page.items.map((product) => [product.product_id, product]));
    for (const { productId, resolve } of asked) resolve(found.get(productId) ?? null);
  } catch (error) {
    for (const { reject } of asked) reject(error);
  }
}

async function loadAlone(api: ApiClient, productId: string): Promise<Product | null> {
  try {
    return await answer(api.GET("/v1/products/{product_id}", { params: { path: { product_id: productId } } }));
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}
