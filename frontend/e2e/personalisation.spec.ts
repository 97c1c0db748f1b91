import { expect, test } from "@playwright/test";

import { openHome, productIds, row } from "./screens.ts";

test("the home rows change after a click, and say why", async ({ page }) => {
  await openHome(page);
  const cards = row(page, "home").getByRole("article");
  const before = await productIds(cards);
  const looked = await cards.nth(2).getByRole("heading").innerText();
  await cards.nth(2).getByRole("link").click();
  await expect(page.getByRole("heading", { level: 1, name: looked })).toBeVisible();
  await page.goBack();

  await expect.poll(() => productIds(cards)).not.toEqual(before);
  await expect(page.getByRole("heading", { name: `Because you looked at ${looked}` })).toBeVisible();
  for (const reason of await row(page, "home").locator("[data-reason]").allInnerTexts()) expect(reason.trim()).not.toBe("");
  await expect(row(page, "home").locator("[data-reason]").filter({ hasText: looked }).first()).toBeVisible();
});

test("an open page moves by itself when the shopper clicks in another tab", async ({ page, context }) => {
  await openHome(page);
  const cards = row(page, "home").getByRole("article");
  const before = await productIds(cards);
  const other = await context.newPage();
  await openHome(other);
  await row(other, "home").getByRole("article").nth(3).getByRole("link").click();
  await expect(other.getByRole("button", { name: /Add to basket|Not available/ }).first()).toBeVisible();

  await expect.poll(() => productIds(cards)).not.toEqual(before);
  await expect(row(page, "home").getByRole("status")).toHaveText(/Rearranged just now/);
});

test("the rows follow the shopper also when the line cannot be opened", async ({ page }) => {
  await page.routeWebSocket(/\/ws\/shopper/, (socket) => { void socket.close(); });
  await openHome(page);
  const cards = row(page, "home").getByRole("article");
  const before = await productIds(cards);
  await cards.nth(2).getByRole("link").click();
  await expect(page.getByRole("button", { name: /Add to basket|Not available/ }).first()).toBeVisible();
  await page.goBack();
  await expect.poll(() => productIds(cards)).not.toEqual(before);
});

test("every recommended card answers why it is there", async ({ page }) => {
  await openHome(page);
  const card = row(page, "home").getByRole("article").first();
  const reason = await card.locator("[data-reason]").innerText();
  await card.getByRole("button", { name: /^Why\?/ }).click();
  const dialog = page.getByRole("dialog", { name: "Why am I seeing this?" });
  await expect(dialog).toContainText(reason);
  await expect(dialog.getByRole("heading", { name: "What spoke for and against it" })).toBeVisible();
  await expect(dialog.getByRole("listitem").first()).toContainText(/[+−]\d/);
  await expect(dialog).toContainText(/chance/);
  await page.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
  await expect(card.getByRole("button", { name: /^Why\?/ })).toBeFocused();
});

test("'less like this' takes the product off the rows, and the shop is told", async ({ page }) => {
  await openHome(page);
  const card = row(page, "home").getByRole("article").first();
  const [id] = await productIds(card);
  const told = page.waitForRequest((request) => request.url().endsWith("/v1/events") && (request.postData() ?? "").includes("item_dismissed"));
  await card.getByRole("button", { name: /^Why\?/ }).click();
  await page.getByRole("button", { name: "Less like this" }).click();
  expect((await told).postData()).toContain(id);
  await expect(page.locator(`[data-product-id="${id}"]`)).toHaveCount(0);
});

test("a shopper can switch personalisation off, and be forgotten", async ({ page }) => {
  await openHome(page);
  const identity = () => page.evaluate(() => localStorage.getItem("smartshop.anonymous_id"));
  const before = await identity();
  const told = page.waitForRequest((request) => (request.postData() ?? "").includes("consent_changed"));
  await page.getByRole("button", { name: "How this shop personalises" }).click();
  await page.getByRole("switch").click();
  await expect(page.getByRole("switch")).not.toBeChecked();
  expect((await told).postData()).toContain('"personalisation":false');
  await page.getByRole("button", { name: "Forget me" }).click();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(await identity()).not.toBe(before);
  await expect(row(page, "home").getByRole("article").first()).toBeVisible();
});

test("only what was really on the screen is reported as shown", async ({ page }) => {
  await openHome(page);
  const reported = page.waitForRequest((request) => (request.postData() ?? "").includes("recommendation_shown"));
  await page.waitForTimeout(900); // Longer than the half second that makes a look.
  await page.getByRole("navigation", { name: "Departments" }).getByRole("link").first().click();
  const { events } = (await reported).postDataJSON() as { events: { kind: string; decision_id: string; products: unknown[] }[] };
  const shown = events.filter(({ kind }) => kind === "recommendation_shown");
  expect(shown.length).toBeGreaterThan(0);
  expect(shown[0]?.decision_id).toBeTruthy();
  // Of nine picks the window of 900 pixels shows the lead and at most the first row of four.
  expect(shown[0]?.products.length).toBeGreaterThan(0);
  expect(shown[0]?.products.length).toBeLessThan(9);
});

test("what was seen is kept when the page is left for good, until the shop has answered for it", async ({ page }) => {
  const queued = () => page.evaluate(() =>
    Object.entries(localStorage).flatMap(([key, value]) => (key.startsWith("smartshop.event.") ? [String(value)] : [])).join(""));
  await openHome(page);
  await page.waitForTimeout(900);
  await page.goto("/icon.svg"); // The same origin without the shop: nobody there takes an answer or sends anything.
  expect(await queued()).toContain("recommendation_shown");
  await openHome(page);
  await expect.poll(queued).not.toContain("recommendation_shown");
});
