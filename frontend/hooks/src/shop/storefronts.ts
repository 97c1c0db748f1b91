/** What the service says of this shop, kept so that the next visit starts without waiting; also the publishable key. */
import type { Credentials } from "../api/client.ts";
import type { Storefront } from "../api/shapes.ts";
import { readJson, type KeyValue } from "../storage/keyValue.ts";

const STOREFRONT = "smartshop.storefront";

export class Storefronts implements Credentials {
  readonly #storage: KeyValue;
  readonly #fetchStorefront: () => Promise<Storefront>;
  #asking: Promise<Storefront> | null = null;

  constructor(storage: KeyValue, fetchStorefront: () => Promise<Storefront>) {
    this.#storage = storage;
    this.#fetchStorefront = fetchStorefront;
  }

  /** From the last visit, for the first paint; it may be out of date. */
  remembered(): Storefront | undefined {
    const value = readJson(this.#storage, STOREFRONT) as Partial<Storefront> | null;
    const isWhole = typeof value?.publishable_key === "string" && typeof value.currency === "string";
    return isWhole ? (value as Storefront) : undefined;
  }

  load(): Promise<Storefront> {
    this.#asking ??= this.#fetchStorefront()
      .then((storefront) => {
        this.#storage.write(STOREFRONT, JSON.stringify(storefront));
        return storefront;
      })
      .finally(() => (this.#asking = null));
    return this.#asking;
  }

  async bearer(): Promise<string> {
    return (this.remembered() ?? (await this.load())).publishable_key;
  }

  refused(bearer: string): void {
    if (this.remembered()?.publishable_key === bearer) this.#storage.remove(STOREFRONT);
  }
}
