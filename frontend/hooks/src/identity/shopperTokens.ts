/** The shopper's signed token: asked for once, shared, renewed before it ends, replaced when refused. */
import { ProblemError } from "../api/problem.ts";
import type { Credentials } from "../api/client.ts";
import type { ShopperToken } from "../api/shapes.ts";
import { readJson, type KeyValue } from "../storage/keyValue.ts";
import { anonymousId, renewAnonymousId } from "./anonymousId.ts";

const TOKEN = "smartshop.shopper_token";
/** Renewed this long before its end, so that no request starts with a token that ends on the way. */
const RENEW_BEFORE_MS = 5 * 60 * 1000;

interface HeldToken extends ShopperToken {
  anonymous_id: string;
}

export interface ShopperTokenOptions {
  storage: KeyValue;
  /** Asks the service for a token of this anonymous id. */
  issue: (anonymousId: string) => Promise<ShopperToken>;
  now?: () => number;
}

export class ShopperTokens implements Credentials {
  readonly #storage: KeyValue;
  readonly #issue: (anonymousId: string) => Promise<ShopperToken>;
  readonly #now: () => number;
  #held: HeldToken | null;
  #asking: Promise<HeldToken> | null = null;

  constructor({ storage, issue, now = Date.now }: ShopperTokenOptions) {
    this.#storage = storage;
    this.#issue = issue;
    this.#now = now;
    this.#held = heldToken(readJson(storage, TOKEN));
  }

  anonymousId(): string {
    return anonymousId(this.#storage);
  }

  async bearer(): Promise<string> {
    if (this.#held !== null && this.#isFresh(this.#held)) return this.#held.token;
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return (await this.#asking).token;
  }

  refused(bearer: string): void {
    if (this.#held?.token !== bearer) return;
    this.#drop();
  }

  /** Forget me: from now on this browser is somebody new. */
  startOver(): string {
    this.#drop();
    this.#asking = null;
    return renewAnonymousId(this.#storage);
  }

  #isFresh(held: HeldToken): boolean {
    return held.anonymous_id === this.anonymousId() && Date.parse(held.expires_at) - RENEW_BEFORE_MS > this.#now();
  }

  async #ask(): Promise<HeldToken> {
    const id = this.anonymousId();
    const token = await this.#issueOrStartOver(id);
    if (token.anonymous_id !== this.anonymousId()) return this.#ask(); // "Forget me" was said while we waited.
    this.#held = token;
    this.#storage.write(TOKEN, JSON.stringify(token));
    return token;
  }

  /** An id that identified as a customer earlier is refused to browsers: be somebody new, once. */
  async #issueOrStartOver(id: string): Promise<HeldToken> {
    try {
      return { ...(await this.#issue(id)), anonymous_id: id };
    } catch (error) {
      if (!(error instanceof ProblemError) || ![403, 409].includes(error.status)) throw error;
      const fresh = renewAnonymousId(this.#storage);
      return { ...(await this.#issue(fresh)), anonymous_id: fresh };
    }
  }

  #drop(): void {
    this.#held = null;
    this.#storage.remove(TOKEN);
  }
}

function heldToken(value: unknown): HeldToken | null {
  if (typeof value !== "object" || value === null) return null;
  const held = value as Partial<HeldToken>; // Our own writing, but a shopper may have touched it: check the parts.
  const parts = [held.token, held.anonymous_id, held.expires_at];
  return parts.every((part) => typeof part === "string") ? (held as HeldToken) : null;
}
