// Sends a little of everything through Segment's own Node client, then says how it went.
// Usage: node segment.mjs URL WRITE_KEY VIEWS
import { Analytics } from "@segment/analytics-node";

const [url, writeKey, views] = process.argv.slice(2);
const failures = [];
const analytics = new Analytics({ writeKey, host: url, path: "/v1/batch", flushAt: 20, flushInterval: 100, maxRetries: 3 });
analytics.on("error", (error) => failures.push(String(error.reason ?? error)));

analytics.identify({ userId: "c-1", anonymousId: "a-1", traits: { plan: "gold" } });
for (let number = 0; number < Number(views); number += 1) {
  analytics.track({
    anonymousId: "a-1",
    userId: "c-1",
    event: "Product Viewed",
    properties: { product_id: `p-${number}`, price: 9.5, currency: "EUR" },
  });
}
analytics.track({
  anonymousId: "a-2",
  event: "Order Completed",
  messageId: "my-id-1",
  properties: { order_id: "o-1", products: [{ product_id: "p-1", price: 9.5, quantity: 2 }] },
});
analytics.page({ userId: "c-1", name: "Home", properties: { url: "https://shop.example/" } });
analytics.screen({ userId: "c-1", name: "Home" });
analytics.group({ userId: "c-1", groupId: "g-1" });
analytics.alias({ userId: "c-1", previousId: "a-1" });
await analytics.closeAndFlush({ timeout: 20_000 });
console.log(JSON.stringify({ failures }));
