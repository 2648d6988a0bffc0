import type { Page } from "playwright-core"

/** A customer's moves in the shop. */
export async function orderSomething(page: Page, url: string, ...products: string[]): Promise<string> {
  await page.goto(url)
  for (const product of products) await page.getByRole("button", { name: `Add ${product} to cart` }).click()
  await page.getByRole("button", { name: /^Cart/ }).click()
  await page.getByRole("button", { name: "Place order and pay" }).click()
  await page.getByLabel("Card number").waitFor()
  return new URL(page.url()).searchParams.get("pay") ?? ""
}

export async function typeCard(page: Page, number: string): Promise<void> {
  await page.getByLabel("Card number").fill(number)
  await page.getByLabel("Expiration date").fill(`12${String(new Date().getFullYear() + 3).slice(2)}`)
  await page.getByLabel("Security code").fill("123")
}

export const payButton = (page: Page) => page.getByRole("button", { name: /^Pay/ })

export const thanks = (page: Page) => page.getByRole("heading", { name: "Thank you. It’s paid." })

export async function pay(page: Page, number: string): Promise<void> {
  await typeCard(page, number)
  await payButton(page).click()
}
