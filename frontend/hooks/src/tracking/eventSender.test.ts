import { http, HttpResponse } from "msw/http";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import type { ShopEvent } from "../api/shapes.ts";
import { memoryStorage, type KeyValue } from "../storage/keyValue.ts";
import { EventQueue } from "./eventQueue.ts";
import { EventSender } from "./eventSender.ts";
import { Tracker } from "./tracker.ts";

const URL = "http://shop.test/v1/events";
const server = setupServer();
let received: ShopEvent[][] = [];
let acknowledged: ShopEvent[] = [];

beforeAll(() => { server.listen({ onUnhandledFrame: "error" }); });
beforeEach(() => {
  received = [];
  acknowledged = [];
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: Date.UTC(2026, 10, 22) });
});
afterEach(async () => {
  await vi.runAllTimersAsync(); // What is under way ends in the test that began it.
  server.resetHandlers();
  vi.useRealTimers();
});
afterAll(() => { server.close(); });

/** Answers with each given response in turn, then accepts. */
function serviceAnswers(...responses: (() => Response)[]): void {
  server.use(
    http.post(URL, async ({ request }) => {
      received.push(((await request.json()) as { events: ShopEvent[] }).events);
      const next = responses.shift();
      return next === undefined ? HttpResponse.json({ accepted: 1, duplicates: 0, rejected: [] }, { status: 202 }) : next();
    }),
  );
}

function makeSender(storage: KeyValue, more: Partial<ConstructorParameters<typeof EventSender>[0]> = {}) {
  const queue = new EventQueue(storage);
  const sender = new EventSender({
    queue,
    url: URL,
    publishableKey: () => Promise.resolve("publishable"),
    acknowledged: (events) => acknowledged.push(...events),
    random: () => 1,
    ...more,
  });
  return { queue, sender };
}

function viewed(id: string): ShopEvent {
  return { kind: "product_viewed", event_id: id, product_id: "tent" };
}

const ids = (events: readonly ShopEvent[]) => events.map(({ event_id }) => event_id);

describe("the event sender", () => {
  it("sends in the order of happening and forgets only what was acknowledged", async () => {
    serviceAnswers();
    const { queue, sender } = makeSender(memoryStorage());
    for (const id of ["e-1", "e-2", "e-3"]) queue.add(viewed(id), Date.now());
    await sender.flush();
    expect(received.map(ids)).toEqual([["e-1", "e-2", "e-3"]]);
    expect(ids(acknowledged)).toEqual(["e-1", "e-2", "e-3"]);
    expect(queue.size).toBe(0);
  });

  it.each([408, 429, 500, 503])("keeps everything on %i and waits as long as Retry-After asks", async (status) => {
    serviceAnswers(() => new HttpResponse(null, { status, headers: { "Retry-After": "7" } }));
    const { queue, sender } = makeSender(memoryStorage());
    queue.add(viewed("e-1"), Date.now());
    await sender.flush();
    expect(queue.size).toBe(1);
    expect(acknowledged).toEqual([]);
    await vi.advanceTimersByTimeAsync(6_900);
    expect(received).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    await vi.waitFor(() => { expect(ids(acknowledged)).toEqual(["e-1"]); });
    expect(queue.size).toBe(0);
  });

  it("keeps everything while the network is down, with growing pauses", async () => {
    serviceAnswers(() => HttpResponse.error(), () => HttpResponse.error());
    const { queue, sender } = makeSender(memoryStorage());
    queue.add(viewed("e-1"), Date.now());
    await sender.flush();
    expect(queue.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1_050);
    await vi.waitFor(() => { expect(received).toHaveLength(2); });
    await vi.advanceTimersByTimeAsync(1_500);
    expect(received).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_000);
    await vi.waitFor(() => { expect(ids(acknowledged)).toEqual(["e-1"]); });
  });

  it("sends what a closed tab left behind", async () => {
    serviceAnswers();
    const storage = memoryStorage();
    makeSender(storage).queue.add(viewed("e-old"), Date.now());
    await makeSender(storage).sender.flush();
    expect(ids(acknowledged)).toEqual(["e-old"]);
  });

  it("halves a batch that is too large, and loses at most the one event that can never be taken", async () => {
    server.use(
      http.post(URL, async ({ request }) => {
        const { events } = (await request.json()) as { events: ShopEvent[] };
        received.push(events);
        const isBad = events.length > 2 || ids(events).includes("e-bad");
        return isBad ? new HttpResponse(null, { status: 413 }) : HttpResponse.json({}, { status: 202 });
      }),
    );
    const { queue, sender } = makeSender(memoryStorage());
    for (const id of ["e-1", "e-bad", "e-2", "e-3", "e-4"]) queue.add(viewed(id), Date.now());
    await sender.flush();
    expect(ids(acknowledged)).toEqual(["e-1", "e-2", "e-3", "e-4"]);
    expect(queue.size).toBe(0);
  });

  it("asks for the key anew when it was refused, and loses nothing", async () => {
    serviceAnswers(() => new HttpResponse(null, { status: 401 }));
    const keyRefused = vi.fn();
    const { queue, sender } = makeSender(memoryStorage(), { keyRefused });
    queue.add(viewed("e-1"), Date.now());
    await sender.flush();
    expect(keyRefused).toHaveBeenCalledTimes(1);
    expect(queue.size).toBe(1);
    await vi.advanceTimersByTimeAsync(1_100);
    await vi.waitFor(() => { expect(ids(acknowledged)).toEqual(["e-1"]); });
  });

  it("hands over at most 64 KiB when the page goes, and keeps it until it is answered", async () => {
    let bytes = 0;
    const isKeptAlive: unknown[] = [];
    server.use(
      http.post(URL, async ({ request }) => {
        bytes = (await request.text()).length;
        return new HttpResponse(null, { status: 503 });
      }),
    );
    const send: typeof fetch = (input, init) => {
      isKeptAlive.push(init?.keepalive);
      return fetch(input, init);
    };
    const { queue, sender } = makeSender(memoryStorage(), { fetch: send });
    for (let index = 0; index < 150; index += 1) queue.add({ ...viewed(`e-${index}`), query: "x".repeat(600) }, Date.now());
    await sender.flushOnLeave();
    expect(isKeptAlive).toEqual([true]);
    expect(bytes).toBeGreaterThan(40_000);
    expect(bytes).toBeLessThan(65_536);
    expect(queue.size).toBe(150);
  });

  it("sends one stream of batches however often it is asked", async () => {
    serviceAnswers();
    const { queue, sender } = makeSender(memoryStorage());
    queue.add(viewed("e-1"), Date.now());
    await Promise.all([sender.flush(), sender.flush(), sender.flush()]);
    expect(received).toHaveLength(1);
  });
});

describe("the tracker", () => {
  it("gives every event an id, a time and a visit, and sends a click at once", async () => {
    serviceAnswers();
    const storage = memoryStorage();
    const { queue, sender } = makeSender(storage);
    const context = () => ({ channel: "web" });
    const tracker = new Tracker({ queue, sender, storage, anonymousId: () => "a-1", context });
    tracker.track("product_clicked", { product_id: "tent", surface: "home", position: 3 });
    tracker.track("dwelled", { product_id: "tent", dwell_ms: 1200 });
    await vi.advanceTimersByTimeAsync(50);
    await vi.waitFor(() => { expect(acknowledged).toHaveLength(2); });
    const [click, dwell] = acknowledged;
    expect(click).toMatchObject({ kind: "product_clicked", anonymous_id: "a-1", occurred_at: "2026-11-22T00:00:00.000Z", position: 3 });
    expect(click?.event_id).not.toBe(dwell?.event_id);
    expect(click?.session_id).toBe(dwell?.session_id);
  });

  it("starts a new visit after half an hour of silence", () => {
    const storage = memoryStorage();
    const { queue, sender } = makeSender(storage);
    const tracker = new Tracker({ queue, sender, storage, anonymousId: () => "a-1", context: () => null });
    tracker.track("page_viewed");
    vi.setSystemTime(Date.now() + 31 * 60 * 1000);
    tracker.track("page_viewed");
    const [first, second] = queue.oldest(2).map(({ event }) => event.session_id);
    expect(first).not.toBe(second);
    sender.stop();
  });
});
