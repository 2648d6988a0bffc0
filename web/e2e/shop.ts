import type { Page } from "playwright-core"

/** A customer's moves in the shop. */
export async function orderSomething(page: Page, url: string, ...products: string[]): Promise<string> {
  await fillCart(page, url, ...products)
  await openCart(page)
  await placeOrder(page).click()
  await page.getByLabel("Card number").waitFor()
  return orderOf(page)
}

export async function fillCart(page: Page, url: string, ...products: string[]): Promise<void> {
  await page.goto(url)
  for (const product of products) await page.getByRole("button", { name: `Add ${product} to cart` }).click()
}

export const openCart = (page: Page) => page.getByRole("button", { name: /^Cart/ }).click()

export const placeOrder = (page: Page) => page.getByRole("button", { name: "Place order and pay" })

/** The order that the checkout's address names. */
export const orderOf = (page: Page): string => new URL(page.url()).searchParams.get("pay") ?? ""

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

/** Notes each text that the page ever shows: a lie of half a second is one too. Ask it for what must not have been. */
export async function everShown(page: Page, text: string): Promise<() => Promise<boolean>> {
  await page.evaluate((wanted) => {
    new MutationObserver(() => {
      if (document.body.innerText.includes(wanted)) (globalThis as unknown as { __seen?: boolean }).__seen = true
    }).observe(document.body, { subtree: true, childList: true, characterData: true })
  }, text)
  return () => page.evaluate(() => (globalThis as unknown as { __seen?: boolean }).__seen === true)
}
