import { setupServer } from "msw/node";
import { ws } from "msw/ws";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import type { Slate } from "../api/shapes.ts";
import { LiveSlates, type Question } from "./liveSlates.ts";
import { ShopperSocket } from "./shopperSocket.ts";

const URL = "ws://shop.test/ws/shopper";
const line = ws.link(URL);
const server = setupServer();

interface Connection {
  said: Record<string, unknown>[];
  tell: (frame: object) => void;
  close: (code?: number) => void;
}
let connections: Connection[] = [];
let started: ShopperSocket[] = [];

beforeAll(() => { server.listen({ onUnhandledFrame: "error" }); });
beforeEach(() => {
  connections = [];
  server.use(
    line.addEventListener("connection", ({ client }) => {
      const connection: Connection = {
        said: [],
        tell: (frame) => { client.send(JSON.stringify(frame)); },
        close: (code) => { client.close(code ?? 1012); },
      };
      client.addEventListener("message", ({ data }) => connection.said.push(JSON.parse(data as string) as Record<string, unknown>));
      connections.push(connection);
    }),
  );
});
afterEach(() => {
  for (const socket of started) socket.stop();
  started = [];
  server.resetHandlers();
});
afterAll(() => { server.close(); });

function openSocket(more: Partial<ConstructorParameters<typeof ShopperSocket>[0]> = {}): ShopperSocket {
  let asked = 0;
  const token = () => Promise.resolve(`token ${(asked += 1)}`);
  const socket = new ShopperSocket({ url: URL, token, tokenRefused: () => undefined, random: () => 0, ...more });
  started.push(socket);
  return socket;
}

async function connection(number: number): Promise<Connection> {
  return vi.waitFor(() => {
    const found = connections[number - 1];
    if (found === undefined || found.said.length === 0) throw new Error(`Connection ${number} has not said hello.`);
    return found;
  }, { timeout: 3_000 });
}

function slateFrame(version: number, productIds: string[], more: object = {}) {
  const items = productIds.map((product_id, position) => ({ product_id, position }));
  return { type: "slate", surface: "home", version, decision_id: `d-${version}`, items, ...more };
}

describe("the shopper's line", () => {
  it("says who is there, then what the page wants to hear", async () => {
    const socket = openSocket();
    socket.subscribe("home", { topic: "slate", surface: "home", limit: 12 });
    socket.start();
    const first = await connection(1);
    await vi.waitFor(() => { expect(first.said).toHaveLength(2); });
    expect(first.said).toEqual([
      { type: "hello", token: "token 1" },
      { type: "subscribe", topic: "slate", surface: "home", limit: 12 },
    ]);
  });

  it("comes back after a cut, and asks again for everything", async () => {
    const socket = openSocket();
    socket.subscribe("home", { topic: "slate", surface: "home" });
    socket.subscribe("products", { topic: "products", product_ids: ["tent"] });
    socket.start();
    (await connection(1)).close();
    const second = await connection(2);
    await vi.waitFor(() => { expect(second.said).toHaveLength(3); });
    expect(second.said.map(({ type, topic }) => topic ?? type)).toEqual(["hello", "slate", "products"]);
  });

  it("brings a new token when the old one was refused", async () => {
    const refused = vi.fn();
    const socket = openSocket({ tokenRefused: refused });
    socket.start();
    (await connection(1)).close(4401);
    expect((await connection(2)).said[0]).toEqual({ type: "hello", token: "token 2" });
    expect(refused).toHaveBeenCalledWith("token 1");
  });

  it("stays away when it was told to stop", async () => {
    const socket = openSocket();
    socket.start();
    await connection(1);
    socket.stop();
    socket.hurry();
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(connections).toHaveLength(1);
  });

  it("ignores what it does not understand", async () => {
    const heard = vi.fn();
    const socket = openSocket();
    socket.onFrame(heard);
    socket.start();
    const first = await connection(1);
    first.tell({ type: "weather", text: "rain" });
    first.tell({ type: "slate", items: "none" });
    first.tell({ type: "stock", product_id: "tent", variant_id: "green", available: 2 });
    await vi.waitFor(() => { expect(heard).toHaveBeenCalledTimes(1); });
    expect(heard).toHaveBeenCalledWith({ type: "stock", product_id: "tent", variant_id: "green", available: 2 });
  });
});

describe("live slates", () => {
  const HOME: Question = { surface: "home", limit: 12 };

  function openSlates(answers: string[][] = []) {
    const asked: Question[] = [];
    const fetchSlate = (question: Question): Promise<Slate> => {
      asked.push(question);
      const items = (answers.shift() ?? []).map((product_id, position) => ({ product_id, position }));
      return Promise.resolve({ decision_id: `fetched-${asked.length}`, surface: question.surface, items } as unknown as Slate);
    };
    const socket = openSocket();
    const slates = new LiveSlates(socket, fetchSlate);
    return { asked, socket, slates, shown: (question = HOME) => slates.read(question).slate?.items.map(({ product_id }) => product_id) };
  }

  it("come over the line, newest version only, without a request", async () => {
    const { asked, socket, slates, shown } = openSlates();
    socket.start();
    slates.open(HOME);
    const first = await connection(1);
    first.tell(slateFrame(1, ["tent", "stove"]));
    await vi.waitFor(() => { expect(shown()).toEqual(["tent", "stove"]); });
    first.tell(slateFrame(3, ["stove", "tent"]));
    first.tell(slateFrame(2, ["late"]));
    await vi.waitFor(() => { expect(shown()).toEqual(["stove", "tent"]); });
    expect(asked).toEqual([]);
    expect(slates.read(HOME).slate?.revision).toBe(2);
  });

  it("are fetched while the line is down, and again after every acknowledged event", async () => {
    const { asked, slates, shown } = openSlates([["tent"], ["stove"]]);
    slates.open(HOME);
    await vi.waitFor(() => { expect(shown()).toEqual(["tent"]); });
    slates.eventsAcknowledged();
    await vi.waitFor(() => { expect(shown()).toEqual(["stove"]); });
    expect(asked).toHaveLength(2);
  });

  it("are not fetched after an event while the line is up", async () => {
    const { asked, socket, slates } = openSlates();
    socket.start();
    slates.open(HOME);
    (await connection(1)).tell(slateFrame(1, ["tent"]));
    await vi.waitFor(() => { expect(slates.read(HOME).slate).not.toBeNull(); });
    slates.eventsAcknowledged();
    expect(asked).toEqual([]);
  });

  it("take the versions of a new line from the start", async () => {
    const { socket, slates, shown } = openSlates();
    socket.start();
    slates.open(HOME);
    const first = await connection(1);
    first.tell(slateFrame(9, ["tent"]));
    await vi.waitFor(() => { expect(shown()).toEqual(["tent"]); });
    first.close();
    (await connection(2)).tell(slateFrame(1, ["stove"]));
    await vi.waitFor(() => { expect(shown()).toEqual(["stove"]); });
  });

  it("of another product do not show on this one's page", async () => {
    const { socket, slates, shown } = openSlates();
    const tent: Question = { surface: "product", product_id: "tent", limit: 12 };
    socket.start();
    slates.open(tent);
    const first = await connection(1);
    first.tell(slateFrame(1, ["rope"], { surface: "product", product_id: "canoe" }));
    first.tell(slateFrame(1, ["peg"], { surface: "product", product_id: "tent" }));
    await vi.waitFor(() => { expect(shown(tent)).toEqual(["peg"]); });
  });

  it("keep the basket's row while the basket changes", async () => {
    const { socket, slates, shown } = openSlates();
    socket.start();
    const before: Question = { surface: "basket", basket: ["tent"], limit: 10 };
    const after: Question = { surface: "basket", basket: ["tent", "stove"], limit: 10 };
    const leave = slates.open(before);
    const first = await connection(1);
    first.tell(slateFrame(5, ["peg"], { surface: "basket" }));
    await vi.waitFor(() => { expect(shown(before)).toEqual(["peg"]); });
    slates.open(after);
    leave();
    expect(shown(after)).toEqual(["peg"]);
    first.tell(slateFrame(1, ["mug"], { surface: "basket" }));
    await vi.waitFor(() => { expect(shown(after)).toEqual(["mug"]); });
  });

  it("say what went wrong when there is nothing to show, and try again when asked", async () => {
    let isDown = true;
    const fetchSlate = (): Promise<Slate> =>
      isDown ? Promise.reject(new Error("Busy.")) : Promise.resolve({ decision_id: "d", surface: "home", items: [] } as unknown as Slate);
    const slates = new LiveSlates(openSocket(), fetchSlate);
    slates.open(HOME);
    await vi.waitFor(() => { expect(slates.read(HOME).error?.message).toBe("Busy."); });
    isDown = false;
    slates.retry(HOME);
    await vi.waitFor(() => { expect(slates.read(HOME).slate?.items).toEqual([]); });
  });
});
