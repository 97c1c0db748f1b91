import { expect, test } from "@playwright/test";

import { addFromShelf, openFirstDepartment, openHome, productIds, row } from "./screens.ts";

test("a department is narrowed by facets that stand in the address bar", async ({ page }) => {
  await openFirstDepartment(page);
  const total = page.getByRole("main").locator("header").getByRole("status");
  const count = async () => Number((await total.innerText()).split(" ")[0]);
  const before = await count();
  const side = page.getByRole("complementary", { name: "Narrow it down" });
  const brand = side.getByRole("group", { name: "Brand" }).getByRole("checkbox").first();
  await brand.check();
  await expect(page).toHaveURL(/brand=/);
  await expect.poll(count).toBeLessThan(before);
  await page.reload();
  await expect(brand).toBeChecked();
  await page.getByRole("button", { name: /^Remove filter/ }).first().click();
  await expect.poll(count).toBe(before);

  const highest = side.getByRole("textbox", { name: "To" });
  const placeholder = (await highest.getAttribute("placeholder")) ?? "";
  await highest.fill(String(Math.floor(Number(placeholder) / 2)));
  await side.getByRole("button", { name: "Set" }).click();
  await expect(page).toHaveURL(/max=/);
  await expect.poll(count).toBeLessThan(before);
  await side.getByLabel("Only what is in stock").check();
  await expect(page).toHaveURL(/in_stock=yes/);
});

test("a shelf is sorted by price and shown page by page", async ({ page }) => {
  await openFirstDepartment(page);
  await page.getByLabel("Sort by").selectOption("price");
  await expect(page).toHaveURL(/sort=price/);
  const more = page.getByRole("button", { name: "Show more" });
  await expect(more).toBeVisible();
  const cards = page.getByRole("main").getByRole("article");
  const first = await cards.count();
  await more.click();
  await expect.poll(() => cards.count()).toBeGreaterThan(first);
  const ids = await productIds(cards);
  expect(new Set(ids).size).toBe(ids.length);
});

test("search finds by words, and says when it finds nothing", async ({ page }) => {
  await openHome(page);
  const word = ((await row(page, "home").getByRole("heading", { level: 3 }).first().innerText()).split(" ").at(-1) ?? "").toLowerCase();
  const box = page.getByRole("searchbox", { name: "Search the shop" });
  await box.fill(word);
  await box.press("Enter");
  await expect(page).toHaveURL(/\/search\?q=/);
  await expect(page.getByRole("article").first()).toBeVisible();
  await expect(page.getByRole("article").first()).toContainText(new RegExp(word, "i"));
  await box.fill("qqxxzzyy");
  await box.press("Enter");
  await expect(page.getByRole("heading", { name: "Nothing found" })).toBeVisible();
});

test("a product's page tells all about it and leads on", async ({ page }) => {
  await openHome(page);
  await row(page, "home").getByRole("article").first().getByRole("link").click();
  await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
  await expect(page.getByRole("img").first()).toBeVisible();
  await expect(page.getByText(/In stock|Only \d+ left/).first()).toBeVisible();
  await expect(row(page, "similar").getByRole("article").first()).toBeVisible();
  await expect(row(page, "product").getByRole("article").first()).toBeVisible();
  await expect(row(page, "similar").locator("[data-reason]").first()).not.toBeEmpty();
});

test("from shelf to basket to a placed order", async ({ page }) => {
  const title = await addFromShelf(page);
  await page.getByRole("link", { name: "See basket" }).click();
  const line = page.getByRole("list", { name: "Products in your basket" }).getByRole("listitem").filter({ hasText: title });
  await expect(line).toBeVisible();
  await line.getByRole("button", { name: "One more" }).click();
  await expect(line.getByRole("status")).toHaveText("2");
  await page.reload();
  await expect(line.getByRole("status")).toHaveText("2");
  await expect(row(page, "basket").getByRole("article").first()).toBeVisible();

  await page.getByRole("link", { name: "Go to checkout" }).click();
  await expect(page.getByText("No payment, no address.")).toBeVisible();
  const placed = page.waitForResponse((response) => response.url().endsWith("/v1/orders"));
  await page.getByRole("button", { name: "Place the order" }).click();
  expect((await placed).status()).toBe(201);
  await expect(page.getByRole("heading", { name: "Thank you, it is ordered" })).toBeVisible();
  await expect(page.getByText(`2 × ${title}`)).toBeVisible();
  await page.reload();
  await expect(page.getByText(`2 × ${title}`)).toBeVisible();
  await expect(page.getByRole("banner").getByRole("link", { name: /Basket/ })).toContainText("0");
});

test("when too few are left, the shopper can take what there is", async ({ page }) => {
  await addFromShelf(page);
  const basket = await page.evaluate(() => localStorage.getItem("smartshop.basket") ?? "[]");
  const [line] = JSON.parse(basket) as { variant_id: string }[];
  // The last pieces go to somebody else between the page and the order: the shop answers as it would then.
  await page.route("**/v1/orders", (route) =>
    route.fulfill({
      status: 409,
      contentType: "application/problem+json",
      body: JSON.stringify({ status: 409, title: "Conflict", code: "out_of_stock", detail: "Only 1 left.", variant_id: line!.variant_id, available: 1 }),
    }));
  await page.goto("/checkout");
  await page.getByRole("button", { name: "One more" }).click();
  await page.getByRole("button", { name: "Place the order" }).click();
  await expect(page.getByRole("alert")).toContainText("only 1 of");
  await page.getByRole("button", { name: "Take 1 instead" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.unroute("**/v1/orders");
  await page.getByRole("button", { name: "Place the order" }).click();
  await expect(page.getByRole("heading", { name: "Thank you, it is ordered" })).toBeVisible();
});

test("going back returns to the place on the shelf", async ({ page }) => {
  await openFirstDepartment(page);
  const card = page.getByRole("main").getByRole("article").nth(9);
  await card.scrollIntoViewIfNeeded();
  const before = await page.evaluate(() => window.scrollY);
  expect(before).toBeGreaterThan(100);
  await card.getByRole("link").click();
  await expect(page.getByRole("button", { name: /Add to basket|Not available/ }).first()).toBeVisible();
  await page.goBack();
  await expect(page.getByRole("main").getByRole("article").nth(9)).toBeVisible();
  await expect.poll(async () => Math.abs((await page.evaluate(() => window.scrollY)) - before)).toBeLessThan(60);
});
