/** The storefront's parts, put together once. Views reach them through `useShop`. */
import { answer, createApiClient, type ApiClient } from "../api/client.ts";
import type { Slate } from "../api/shapes.ts";
import { Basket } from "../basket/basket.ts";
import { productLoader } from "../catalogue/productLoader.ts";
import { ShopperTokens } from "../identity/shopperTokens.ts";
import { LiveSlates, type Question } from "../slates/liveSlates.ts";
import { ShopperSocket } from "../slates/shopperSocket.ts";
import { WatchedProducts } from "../slates/watchedProducts.ts";
import type { KeyValue } from "../storage/keyValue.ts";
import { Memory } from "../storage/memory.ts";
import { EventQueue } from "../tracking/eventQueue.ts";
import { EventSender } from "../tracking/eventSender.ts";
import { Impressions } from "../tracking/impressions.ts";
import { browserContext, Tracker } from "../tracking/tracker.ts";
import { ReturnNews } from "../waits/returnNews.ts";
import { Storefronts } from "./storefronts.ts";

export interface Shop {
  storage: KeyValue;
  storefronts: Storefronts;
  tokens: ShopperTokens;
  /** The catalogue, by the publishable key. */
  catalogue: ApiClient;
  /** What is the shopper's own, by their token. */
  own: ApiClient;
  loadProduct: ReturnType<typeof productLoader>;
  basket: Basket;
  memory: Memory;
  tracker: Tracker;
  impressions: Impressions;
  socket: ShopperSocket;
  watched: WatchedProducts;
  slates: LiveSlates;
  returns: ReturnNews;
  /** Follows the page's life: line, network, leaving, other tabs. Returns how to stop. */
  start: () => () => void;
  forgetMe: () => void;
}

export function createShop(page: Window & typeof globalThis, storage: KeyValue): Shop {
  const baseUrl = page.location.origin;
  const anybody = createApiClient({ baseUrl });
  const storefronts = new Storefronts(storage, () => answer(anybody.GET("/v1/storefront")));
  const catalogue = createApiClient({ baseUrl, credentials: storefronts });
  const issue = (anonymous_id: string) => answer(catalogue.POST("/v1/shopper-tokens", { body: { anonymous_id } }));
  const tokens = new ShopperTokens({ storage, issue });
  const own = createApiClient({ baseUrl, credentials: tokens });
  const socket = new ShopperSocket({
    url: `${baseUrl.replace(/^http/, "ws")}/ws/shopper`,
    token: () => tokens.bearer(),
    tokenRefused: (token) => tokens.refused(token),
  });
  const slates = new LiveSlates(socket, (question) => fetchSlate(own, tokens, question));
  const memory = new Memory(storage);
  const basket = new Basket(storage);
  const { queue, sender, tracker } = createTracking(page, storage, { storefronts, tokens, slates });
  const impressions = new Impressions((kind, details) => tracker.track(kind, details));

  const start = () => {
    const hurry = () => socket.hurry();
    const leave = () => impressions.closeAll();
    page.addEventListener("online", hurry);
    page.addEventListener("pagehide", leave);
    // A phone may end a hidden page without another word: what was seen is said when it is hidden.
    const hide = () => { if (page.document.visibilityState === "hidden") leave(); };
    page.document.addEventListener("visibilitychange", hide);
    const stops = [basket.follow(page), tracker.watchLeaving(page)]; // After `leave`, so that its events go along.
    socket.start();
    if (queue.size > 0) sender.schedule(0); // What the last visit left behind.
    return () => {
      for (const stop of stops) stop();
      page.removeEventListener("online", hurry);
      page.removeEventListener("pagehide", leave);
      page.document.removeEventListener("visibilitychange", hide);
      socket.stop();
      sender.stop();
    };
  };

  const forgetMe = () => {
    impressions.closeAll();
    void sender.flush(); // What was done so far was done under the old id.
    tokens.startOver();
    memory.forget();
    slates.startOver();
    socket.restart();
  };

  const watched = new WatchedProducts(socket);
  const returns = new ReturnNews(socket);
  const loadProduct = productLoader(catalogue);
  return { storage, storefronts, tokens, catalogue, own, loadProduct, basket, memory, tracker, impressions, socket, watched, slates, returns, start, forgetMe };
}

interface TrackingNeeds {
  storefronts: Storefronts;
  tokens: ShopperTokens;
  slates: LiveSlates;
}

function createTracking(page: Window & typeof globalThis, storage: KeyValue, { storefronts, tokens, slates }: TrackingNeeds) {
  const queue = new EventQueue(storage);
  const sender = new EventSender({
    queue,
    url: `${page.location.origin}/v1/events`,
    publishableKey: () => storefronts.bearer(),
    keyRefused: () => void storefronts.load().catch(() => undefined),
    acknowledged: () => slates.eventsAcknowledged(),
  });
  const tracker = new Tracker({
    queue,
    sender,
    storage,
    anonymousId: () => tokens.anonymousId(),
    context: () => browserContext(page),
  });
  return { queue, sender, tracker };
}

function fetchSlate(own: ApiClient, tokens: ShopperTokens, question: Question): Promise<Slate> {
  return answer(own.POST("/v1/recommendations", { body: { ...question, anonymous_id: tokens.anonymousId(), explain: true } }));
}
