import { describe, expect, it } from "vitest";

import { ProblemError } from "../api/problem.ts";
import { memoryStorage } from "../storage/keyValue.ts";
import { ShopperTokens } from "./shopperTokens.ts";

const HOUR_MS = 3_600_000;

function tokensOver(storage = memoryStorage(), refused: (id: string) => Error | null = () => null) {
  const clock = { now: Date.UTC(2026, 10, 22) };
  const asked: string[] = [];
  const issue = (id: string) => {
    asked.push(id);
    const refusal = refused(id);
    if (refusal !== null) return Promise.reject(refusal);
    return Promise.resolve({ token: `token ${asked.length}`, shopper_key: id, expires_at: new Date(clock.now + HOUR_MS).toISOString() });
  };
  return { clock, asked, storage, tokens: new ShopperTokens({ storage, issue, now: () => clock.now }) };
}

describe("shopper tokens", () => {
  it("are asked for once, however many need one", async () => {
    const { tokens, asked } = tokensOver();
    expect(await Promise.all([tokens.bearer(), tokens.bearer(), tokens.bearer()])).toEqual(["token 1", "token 1", "token 1"]);
    expect(asked).toHaveLength(1);
  });

  it("are renewed before their end, for the same shopper", async () => {
    const { tokens, asked, clock } = tokensOver();
    await tokens.bearer();
    clock.now += HOUR_MS - 4 * 60 * 1000;
    expect(await tokens.bearer()).toBe("token 2");
    expect(asked[1]).toBe(asked[0]);
  });

  it("outlive the page", async () => {
    const { tokens, storage } = tokensOver();
    await tokens.bearer();
    const later = tokensOver(storage);
    expect(await later.tokens.bearer()).toBe("token 1");
    expect(later.asked).toEqual([]);
  });

  it.each([403, 409])("make the browser somebody new when its id is refused with %i", async (status) => {
    const first = tokensOver();
    const old = first.tokens.anonymousId();
    const { tokens, asked } = tokensOver(first.storage, (id) => (id === old ? new ProblemError(status, {}) : null));
    expect(await tokens.bearer()).toBe("token 2");
    expect(asked[0]).toBe(old);
    expect(tokens.anonymousId()).toBe(asked[1]);
    expect(tokens.anonymousId()).not.toBe(old);
  });

  it("do not change the shopper on other failures", async () => {
    const { tokens } = tokensOver(memoryStorage(), () => new ProblemError(503, { detail: "Busy." }));
    const id = tokens.anonymousId();
    await expect(tokens.bearer()).rejects.toThrow("Busy.");
    expect(tokens.anonymousId()).toBe(id);
  });

  it("are replaced when the service refuses them, and belong to somebody new after 'forget me'", async () => {
    const { tokens, asked } = tokensOver();
    tokens.refused(await tokens.bearer());
    expect(await tokens.bearer()).toBe("token 2");
    const fresh = tokens.startOver();
    expect(await tokens.bearer()).toBe("token 3");
    expect(asked[2]).toBe(fresh);
    expect(asked[2]).not.toBe(asked[0]);
  });
});
