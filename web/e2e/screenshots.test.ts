import { mkdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import { test } from "node:test"
import type { Browser } from "playwright-core"
import { launch, open } from "./browser.ts"
import { Demo, sleep, until } from "./demo.ts"
import { ShopOf, enter } from "./desk.ts"
import { orderSomething, pay, thanks } from "./shop.ts"

const PLACE = resolve(import.meta.dirname, "../../docs/images")

test("pictures for the documentation", { skip: !process.env.SCREENSHOTS && "SCREENSHOTS is not set" }, async () => {
  await mkdir(PLACE, { recursive: true })
  const [demo, browser] = await Promise.all([Demo.start(), launch()])
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      const { page, context } = await open(browser, { colorScheme, viewport: { width: 1280, height: 1024 } })
      const shot = (name: string) => page.screenshot({ path: join(PLACE, `${name}.png`), animations: "disabled" })
      await page.goto(demo.url)
      await page.getByRole("button", { name: "Add Stoneware mug to cart" }).waitFor()
      await page.evaluate(() => document.fonts.ready)
      await shot(colorScheme === "light" ? "shop" : "shop-dark")
      if (colorScheme === "light") {
        await orderSomething(page, demo.url, "Stoneware mug", "Desk lamp", "Pothos in a pot")
        await page.getByText("Test cards").click()
        await shot("checkout")
        await pay(page, "4242424242424242")
        await thanks(page).waitFor()
        await page.getByRole("button", { name: "What was just sent" }).click()
        await page.evaluate(() => scrollTo({ top: 0, behavior: "instant" }))
        await until(0, () => page.evaluate(() => scrollY))
        await shot("paid")
        await page.setViewportSize({ width: 1440, height: 900 })
        await page.goto(`${demo.url}/explorer/`)
        const editor = page.locator(".graphiql-query-editor")
        await editor.getByText("ListProducts").waitFor()
        await page.getByRole("tab", { name: "CreatePaymentIntent" }).click()
        await editor.getByText("CreatePaymentIntent").first().waitFor()
        await sleep(500) // GraphiQL notes the tab's operation a moment after it shows it
        await page.getByRole("button", { name: /^Execute query/ }).click()
        await page.locator(".result-window").getByText("clientSecret").waitFor()
        await shot("explorer")
      }
      await context.close()
    }
    await ofTheDesk(demo, browser)
  } finally {
    await browser.close()
    await demo.stop()
  }
})

/** A day's orders, of every kind that the desk tells apart. */
async function ofTheDesk(demo: Demo, browser: Browser): Promise<void> {
  const shop = new ShopOf(() => demo)
  const names = ["ada", "grace", "linus", "barbara", "edsger", "margaret"]
  const receipt = (place: number) => ({ receiptEmail: `${names[place % names.length]}@shop.example` })
  for (let place = 0; place < 5; place++) await shop.paid("pm_card_visa", receipt(place))
  await shop.order(receipt(5))
  await shop.withTheBank()
  await shop.inReview()
  await shop.disputed()
  const refunded = await shop.paid("pm_card_visa", receipt(1))
  await demo.graphql(
    "mutation($input: RefundOrderInput!) { refundOrder(input: $input) { __typename } }",
    { input: { orderId: refunded.id, amount: 1_500, reason: "requested_by_customer", note: "One bell was scratched", idempotencyKey: "picture" } },
    "merchant",
  )
  for (const [suffix, options] of [
    ["", { colorScheme: "light", viewport: { width: 1360, height: 860 } }],
    ["-dark", { colorScheme: "dark", viewport: { width: 1360, height: 860 } }],
    ["-phone", { colorScheme: "light", viewport: { width: 390, height: 844 }, deviceScaleFactor: 2 }],
  ] as const) {
    const { page, context } = await open(browser, options)
    const shot = async (name: string) => {
      await page.evaluate(() => document.fonts.ready)
      await page.screenshot({ path: join(PLACE, `${name}${suffix}.png`), animations: "disabled" })
    }
    await enter(page, demo.url, "/desk/?page=orders")
    await page.locator("tbody tr").first().waitFor()
    await shot("desk")
    if (suffix === "") {
      await page.goto(`${demo.url}/desk/?page=order&id=${refunded.id}`)
      await page.getByText("note: One bell was scratched").waitFor()
      await shot("desk-order")
    }
    await context.close()
  }
}
