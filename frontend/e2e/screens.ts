/** What the specs do on the pages, said once. */
import { expect, type Locator, type Page } from "@playwright/test";

export function row(page: Page, place: string): Locator {
  return page.locator(`[data-place="${place}"]`);
}

export async function openHome(page: Page): Promise<void> {
  await page.goto("/");
  await expect(row(page, "home").getByRole("article").first()).toBeVisible();
}

export async function productIds(cards: Locator): Promise<string[]> {
  return cards.evaluateAll((elements) => elements.map((element) => (element as HTMLElement).dataset.productId ?? ""));
}

/** Opens the first department and waits for its shelf. */
export async function openFirstDepartment(page: Page): Promise<void> {
  await page.goto("/");
  await page.getByRole("navigation", { name: "Departments" }).getByRole("link").first().click();
  await expect(page).toHaveURL(/\/shop\//);
  await expect(page.getByText(/^\d+ of \d+ shown$/)).toBeVisible();
}

/** Puts a product with a single variant into the basket from a shelf; returns its title. */
export async function addFromShelf(page: Page): Promise<string> {
  await openFirstDepartment(page);
  const card = page.getByRole("article").filter({ has: page.getByRole("button", { name: /^Add .* to basket$/ }) }).first();
  while (!(await card.isVisible())) {
    await page.getByRole("button", { name: "Show more" }).click();
    await expect(page.getByRole("button", { name: "Fetching…" })).toHaveCount(0);
  }
  const title = await card.getByRole("heading").innerText();
  await card.getByRole("button", { name: /^Add .* to basket$/ }).click();
  await expect(page.getByRole("status").filter({ hasText: "is in your basket" })).toBeVisible();
  return title;
}

/** Pixels by which the page is wider than its window. */
export async function overflow(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
