import { mkdir } from "node:fs/promises"
import { join, resolve } from "node:path"
import { test } from "node:test"
import { launch, open } from "./browser.ts"
import { Demo, sleep } from "./demo.ts"
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
  } finally {
    await browser.close()
    await demo.stop()
  }
})
