// Whatever the screen, the text's size, the language and the connection are: the pages stay readable, still and small.
import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Page } from "playwright-core"
import { launch, open } from "./browser.ts"
import { fillCart, openCart, orderSomething, pay, payButton, placeOrder, thanks } from "./shop.ts"
import { slow4G } from "./slow.ts"
import { inWholeBrowser, stage } from "./stage.ts"

const now = stage()
const CARD = "4242424242424242"
const PHONE = { width: 390, height: 844 }

const noSidewaysScroll = async (page: Page, where: string) => {
  const { wide, inner } = await page.evaluate(() => {
    const wide = [...document.querySelectorAll("body *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1 && !each.closest(".visually-hidden, pre, .hero"))
    return { wide: wide.slice(0, 3).map((each) => `${each.tagName}.${each.className}`), inner: document.documentElement.scrollWidth - innerWidth }
  })
  assert.ok(inner <= 0, `${where} scrolls sideways by ${inner} px: ${wide.join(", ")}`)
}

describe("long names and many lines, at 200 % text on a phone", () => {
  const LONG = "Supercalifragilisticexpialidocious".repeat(9).slice(0, 300)
  before(async () => {
    await now.demo.addProducts(100, (n) => (n === 1 ? LONG : `Part ${n} of a very long order`))
  })
  after(() => now.demo.sql("UPDATE products SET active = false WHERE unit_amount = 100"))

  const enlarged = async (page: Page) => {
    await page.setViewportSize(PHONE)
    await page.addInitScript(() => addEventListener("DOMContentLoaded", () => document.documentElement.style.setProperty("font-size", "200%")))
  }

  test("nothing scrolls sideways, from the shop to the paid order", async () => {
    const { page, demo } = now
    await enlarged(page)
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Show more" }).click()
    await page.getByRole("button", { name: `Add ${LONG} to cart` }).click()
    await page.getByRole("button", { name: "Add Stoneware mug to cart" }).click()
    await noSidewaysScroll(page, "the shop")
    await openCart(page)
    await noSidewaysScroll(page, "the cart")
    const drawer = await page.locator("dialog").evaluate((each) => each.scrollWidth - each.clientWidth)
    assert.ok(drawer <= 0, `the cart scrolls sideways by ${drawer} px`)
    await placeOrder(page).click()
    await page.getByLabel("Card number").waitFor()
    await noSidewaysScroll(page, "the checkout")
    await pay(page, CARD)
    await thanks(page).waitFor()
    await noSidewaysScroll(page, "the thanks")
    await page.goto(`${demo.url}/?orders`)
    await page.getByRole("article").first().waitFor()
    await noSidewaysScroll(page, "the orders")
    await page.getByRole("article").first().getByRole("link").first().click()
    await page.getByText("Full number").waitFor()
    await noSidewaysScroll(page, "the order")
  })

  test("the card's field is near the top of a phone, however many lines the order has", async () => {
    const { page, demo } = now
    const { products } = await demo.graphql<{ products: { nodes: { id: string; price: { currency: string } }[] } }>(
      "{ products(first: 100) { nodes { id price { currency } } } }",
    )
    const items = products.nodes.filter(({ price }) => price.currency === "USD").map(({ id }) => ({ productId: id, quantity: 1 }))
    const { createOrder } = await demo.graphql<{ createOrder: { id: string } }>(
      "mutation($input: CreateOrderInput!) { createOrder(input: $input) { ... on Order { id } } }", { input: { items } },
    )
    await page.setViewportSize(PHONE)
    await page.goto(`${demo.url}/?pay=${createOrder.id}`)
    const card = page.getByLabel("Card number")
    await card.waitFor()
    const top = await card.evaluate((field) => field.getBoundingClientRect().top + scrollY)
    assert.ok(top < PHONE.height, `the card's field lies ${Math.round(top)} px down`)
    await page.getByText(`${items.length} things`).click()
    await page.getByText("Part 50 of a very long order").waitFor()
  })
})

describe("the buttons of the shop's shelf", () => {
  for (const width of [390, 768, 1280]) {
    test(`stand on one line with their neighbours', at ${width} px`, async () => {
      const { page, demo } = now
      await page.setViewportSize({ width, height: 900 })
      await page.goto(demo.url)
      await page.getByRole("button", { name: "Add One sticker to cart" }).waitFor()
      const rows = await page.locator("article.card:not(.placeholder)").evaluateAll((cards) => {
        const found: Record<number, Set<number>> = {}
        for (const card of cards) {
          const button = card.querySelector("button.add")
          if (button) (found[Math.round(card.getBoundingClientRect().top)] ??= new Set()).add(Math.round(button.getBoundingClientRect().bottom))
        }
        return Object.values(found).map((bottoms) => [...bottoms])
      })
      assert.ok(rows.length > 1, "several rows")
      for (const bottoms of rows) assert.equal(bottoms.length, 1, `the buttons of one row end at ${bottoms.join(" and ")} px`)
    })
  }
})

describe("the developers' drawer covers nothing", () => {
  /** Whether a click in the middle of it, once it was scrolled to as a browser does for the focus, reaches it. */
  const isFree = (page: Page, name: string) =>
    page.evaluate(async (label) => {
      const controls = [...document.querySelectorAll<HTMLElement>("button, a, input, select, .element")]
      const control = controls.find((each) => each.textContent.includes(label) || each.matches(label.startsWith(".") ? label : "_"))
      if (!control) throw new Error(`there is no ${label}`)
      for (const block of ["nearest", "end", "start"] as const) {
        control.scrollIntoView({ block, behavior: "instant" })
        await new Promise((done) => requestAnimationFrame(done))
        const box = control.getBoundingClientRect()
        for (const part of [0.1, 0.5, 0.9]) {
          const found = document.elementFromPoint(box.left + box.width * part, Math.min(box.top + box.height * 0.9, innerHeight - 1))
          if (found?.closest(".developer")) return false
        }
      }
      return true
    }, name)

  for (const width of [390, 768, 1280]) {
    test(`at ${width} px`, async () => {
      const { page, demo } = now
      await page.setViewportSize({ width, height: 700 })
      const order = await orderSomething(page, demo.url, "Stoneware mug")
      assert.ok(await isFree(page, ".element"), "the card's fields")
      assert.ok(await isFree(page, "Pay $"), "the Pay button")
      await pay(page, CARD)
      await thanks(page).waitFor()
      await page.goto(`${demo.url}/?order=${order}`)
      await page.getByRole("radio", { name: "Shopkeeper" }).check()
      await page.getByRole("button", { name: /^Refund/ }).waitFor()
      assert.ok(await isFree(page, "Refund…"), "the Refund button")
    })
  }
})

describe("on slow 4G", () => {
  for (const [name, viewport] of [["a phone", PHONE], ["a desk", { width: 1280, height: 900 }]] as const) {
    test(`the layout of ${name} stays where it is`, async () => {
      await inWholeBrowser(now) // as people see it
      const { page, demo } = now
      await page.setViewportSize(viewport)
      await slow4G(page)
      await page.addInitScript(() => {
        const kept = globalThis as unknown as { __shifts: [number, string][] }
        kept.__shifts = []
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean; sources: { node?: Element }[] })[]) {
            if (!entry.hadRecentInput) kept.__shifts.push([entry.value, entry.sources.map(({ node }) => `${node?.nodeName} ${node?.className}`).join(", ")])
          }
        }).observe({ type: "layout-shift", buffered: true })
      })
      const shift = async (where: string) => {
        const shifts = await page.evaluate(() => (globalThis as unknown as { __shifts: [number, string][] }).__shifts)
        const sum = shifts.reduce((all, [value]) => all + value, 0)
        console.log(`# CLS of ${name}, ${where}: ${sum.toFixed(4)}`)
        assert.ok(sum <= 0.05, `${where} shifts by ${sum}: ${JSON.stringify(shifts)}`)
      }
      await page.goto(demo.url)
      await page.getByRole("button", { name: "Add Stoneware mug to cart" }).waitFor()
      await page.waitForLoadState("networkidle")
      await shift("shop")
      await page.getByRole("button", { name: "Add Stoneware mug to cart" }).click()
      await openCart(page)
      await placeOrder(page).click()
      await page.getByLabel("Card number").waitFor()
      const order = new URL(page.url()).search
      await shift("checkout after the cart")
      await page.goto(`${demo.url}/${order}`)
      await page.getByLabel("Card number").waitFor()
      await page.waitForLoadState("networkidle")
      await shift("checkout by its address")
      await page.goto(`${demo.url}/?orders`)
      await page.getByRole("article").first().waitFor()
      await page.waitForLoadState("networkidle")
      await shift("orders")
    })
  }

  test("the Pay button stays where it is while the card form loads", async () => {
    const { page, demo } = now
    await page.setViewportSize(PHONE)
    const [soon, later] = ["queueMicrotask(() => this.#tell(\"ready\"", "void ((tell) => setTimeout(tell, 2_000))(() => this.#tell(\"ready\""]
    await page.route("**/v3/stripe.js", async (route) => {
      const response = await route.fetch()
      const script = await response.text()
      assert.ok(script.includes(soon), "how the stand-in says that it is ready")
      await route.fulfill({ response, body: script.replace(soon, later) })
    })
    const button = page.getByRole("button", { name: "Pay $" })
    const place = async () => (await button.boundingBox())?.y
    await fillCart(page, demo.url, "Stoneware mug")
    await openCart(page)
    await placeOrder(page).click()
    await page.getByLabel("Card number").waitFor()
    await page.getByText("Loading the card form…").waitFor()
    const [before, scrolled] = [await place(), await page.evaluate(() => scrollY)]
    await page.getByText("Loading the card form…").waitFor({ state: "detached" })
    assert.deepEqual([await place(), await page.evaluate(() => scrollY)], [before, scrolled])
  })

  test("the shop can be used after 220 kB", async () => {
    const { page, demo } = now
    const cdp = await slow4G(page)
    let bytes = 0
    cdp.on("Network.loadingFinished", ({ encodedDataLength }) => void (bytes += encodedDataLength))
    const started = performance.now()
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Add Stoneware mug to cart" }).click()
    await page.getByRole("button", { name: "Cart 1" }).waitFor()
    const milliseconds = performance.now() - started
    await page.waitForLoadState("networkidle")
    console.log(`# shop: ${(bytes / 1000).toFixed(0)} kB, first interaction after ${(milliseconds / 1000).toFixed(1)} s`)
    assert.ok(bytes <= 220_000, `${bytes} bytes`)
  })
})

describe("in the browser's language", () => {
  test("money and dates are German", async () => {
    const { demo } = now
    const browser = await launch()
    try {
      const { page, context, watch } = await open(browser, { locale: "de-DE", timezoneId: "Europe/Berlin" })
      await fillCart(page, demo.url, "Stoneware mug")
      await page.getByText("19,99 $").first().waitFor()
      await openCart(page)
      await placeOrder(page).click()
      await payButton(page).getByText("19,99 $").waitFor()
      await page.goto(`${demo.url}/?orders`)
      await page.getByRole("article").first().getByText(/\d{2}\.\d{2}\.\d{4}, \d{2}:\d{2}/).waitFor()
      await context.close()
      assert.deepEqual(watch.problems, [])
    } finally {
      await browser.close()
    }
  })
})
