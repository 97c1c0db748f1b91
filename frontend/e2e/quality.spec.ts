import AxeBuilder from "@axe-core/playwright";
import { expect, test, type Page } from "@playwright/test";

import { addFromShelf, openFirstDepartment, openHome, overflow, row } from "./screens.ts";

interface Screen {
  name: string;
  open: (page: Page) => Promise<void>;
}

const SCREENS: Screen[] = [
  { name: "home", open: openHome },
  {
    name: "home of a known shopper",
    open: async (page) => {
      await openHome(page);
      await row(page, "home").getByRole("article").first().getByRole("link").click();
      await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
      await page.goto("/");
      await expect(row(page, "because").getByRole("article").first()).toBeVisible();
    },
  },
  {
    name: "product",
    open: async (page) => {
      await openHome(page);
      await row(page, "home").getByRole("article").first().getByRole("link").click();
      await expect(row(page, "similar").getByRole("article").first()).toBeVisible();
    },
  },
  { name: "department", open: openFirstDepartment },
  {
    name: "search without result",
    open: async (page) => {
      await page.goto("/search?q=qqxxzz&brand=None");
      await expect(page.getByRole("heading", { name: /Nothing/ })).toBeVisible();
    },
  },
  {
    name: "why",
    open: async (page) => {
      await openHome(page);
      await row(page, "home").getByRole("button", { name: /^Why\?/ }).first().click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  {
    name: "personalisation",
    open: async (page) => {
      await openHome(page);
      await page.getByRole("button", { name: "How this shop personalises" }).click();
      await expect(page.getByRole("dialog")).toBeVisible();
    },
  },
  { name: "empty basket", open: async (page) => void (await page.goto("/basket")) },
  {
    name: "basket",
    open: async (page) => {
      await addFromShelf(page);
      await page.goto("/basket");
      await expect(page.getByRole("link", { name: "Go to checkout" })).toBeVisible();
    },
  },
  {
    name: "checkout",
    open: async (page) => {
      await addFromShelf(page);
      await page.goto("/checkout");
      await expect(page.getByRole("button", { name: "Place the order" })).toBeEnabled();
    },
  },
  {
    name: "order",
    open: async (page) => {
      await addFromShelf(page);
      await page.goto("/checkout");
      await page.getByRole("button", { name: "Place the order" }).click();
      await expect(page.getByRole("heading", { name: "Thank you, it is ordered" })).toBeVisible();
    },
  },
  { name: "not found", open: async (page) => void (await page.goto("/there-is-nothing-here")) },
  { name: "unknown product", open: async (page) => void (await page.goto("/product/there-is-no-such-product")) },
];

for (const width of [1440, 390]) {
  test.describe(`at ${width} pixels`, () => {
    test.use({ viewport: { width, height: width === 390 ? 844 : 900 } });

    for (const screen of SCREENS) {
      test(`${screen.name}: no sideways scrolling, one first heading, nothing that axe objects to`, async ({ page }) => {
        const complaints: string[] = [];
        page.on("pageerror", (error) => complaints.push(error.message));
        await page.emulateMedia({ reducedMotion: "reduce" });
        await screen.open(page);
        await page.waitForLoadState("networkidle");
        await page.waitForTimeout(300);
        expect(await overflow(page)).toBeLessThanOrEqual(0);
        expect(await page.locator("h1").count()).toBe(1);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)).toEqual([]);
        expect(complaints).toEqual([]);
      });
    }
  });
}

test("the home page holds still while it fills", async ({ page }) => {
  await page.addInitScript(() => {
    const shifts: number[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) {
        if (!entry.hadRecentInput) shifts.push(entry.value);
      }
    }).observe({ type: "layout-shift", buffered: true });
  });
  await openHome(page);
  await page.waitForLoadState("networkidle");
  const total = await page.evaluate(() => (window as unknown as { shifts: number[] }).shifts.reduce((sum, shift) => sum + shift, 0));
  expect(total).toBeLessThanOrEqual(0.1);
});

test("the keyboard reaches the content, a card and its reason", async ({ page }) => {
  await openHome(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await expect(page.locator("article").first().getByRole("link").first()).toBeFocused();
});
