// The cart: it keeps what was put into it, in every tab and whatever the storage does, and shows what it costs.
import assert from "node:assert/strict"
import { after, before, describe, test } from "node:test"
import type { Page } from "playwright-core"
import { until } from "./demo.ts"
import { answer } from "./browser.ts"
import { fillCart, openCart, orderOf, placeOrder } from "./shop.ts"
import { inWholeBrowser, stage } from "./stage.ts"

const now = stage()
const cart = () => now.page.getByRole("dialog", { name: "Your cart" })
const line = (name: string) => cart().getByRole("listitem").filter({ hasText: name })

const setPrice = (name: string, amount: number) => now.demo.sql(`UPDATE products SET unit_amount = ${amount} WHERE name = '${name}'`)
const setSold = (name: string, active: boolean) => now.demo.sql(`UPDATE products SET active = ${active} WHERE name = '${name}'`)

const totalOf = async (order: string) => {
  const { order: found } = await now.demo.graphql<{ order: { total: { amount: string } } }>(
    "query($id: ID!) { order(id: $id) { total { amount } } }", { id: order },
  )
  return found.total.amount
}

describe("a line keeps its name and price", () => {
  before(() => now.demo.addProducts(60, (n) => `Gadget ${n}`))
  after(() => now.demo.sql("UPDATE products SET active = false WHERE name LIKE 'Gadget %'"))

  test("of a product beyond the first page, after a reload", async () => {
    const { page, demo } = now
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Show more" }).click()
    await page.getByRole("button", { name: "Add Gadget 55 to cart" }).click()
    await page.getByRole("button", { name: "Add Stoneware mug to cart" }).click()
    await page.reload()
    await page.getByRole("button", { name: "Add Desk lamp to cart" }).waitFor()
    await openCart(page)
    await line("Gadget 55").getByText("$1.00").waitFor()
    await cart().getByText("$20.99").waitFor()
    await placeOrder(page).click()
    await page.getByLabel("Card number").waitFor()
    assert.equal(await totalOf(orderOf(page)), "20.99")
  })

  test("of one that is no longer sold: it is shown as such, counts for nothing, and can be taken out", async () => {
    const { page, demo } = now
    await fillCart(page, demo.url, "Stoneware mug", "Fountain pen")
    await setSold("Fountain pen", false)
    try {
      await page.reload()
      await openCart(page)
      await line("Fountain pen").getByText("No longer sold").waitFor()
      await cart().locator(".total").getByText("$19.99").waitFor()
      await line("Fountain pen").getByRole("button", { name: "Take out Fountain pen" }).click()
      await placeOrder(page).click()
      await page.getByLabel("Card number").waitFor()
      assert.equal(await totalOf(orderOf(page)), "19.99")
    } finally {
      await setSold("Fountain pen", true)
    }
  })

  test("of one that is sold out while the cart is open", async () => {
    const { page, demo } = now
    await fillCart(page, demo.url, "Stoneware mug", "Fountain pen")
    await openCart(page)
    await line("Fountain pen").getByText("$34.00").waitFor()
    await setSold("Fountain pen", false)
    try {
      await placeOrder(page).click()
      await line("Fountain pen").getByText("No longer sold").waitFor()
      await line("Fountain pen").getByRole("button", { name: "Take out Fountain pen" }).click()
      await placeOrder(page).click()
      await page.getByLabel("Card number").waitFor()
    } finally {
      await setSold("Fountain pen", true)
    }
  })
})

describe("a cart of more things than one call tells of", () => {
  before(() => now.demo.addProducts(101, (n) => `Bead ${n}`))
  after(() => now.demo.sql("UPDATE products SET active = false WHERE name LIKE 'Bead %'"))

  test("has today's price of each, and tells which is no longer sold", async () => {
    const { page, demo } = now
    const beads = await demo.sql<[string, string]>("SELECT id, name FROM products WHERE active AND name LIKE 'Bead %'")
    assert.equal(beads.length, 101)
    await page.goto(demo.url)
    await page.evaluate((found) => {
      const lines = found.map(([productId, name]) => ({ productId, name, image: null, price: { amount: "0.90", currency: "USD", minorUnits: 90 }, quantity: 1 }))
      localStorage.setItem("kiosk402.cart.2", JSON.stringify({ key: crypto.randomUUID(), lines }))
    }, beads)
    await setSold("Bead 7", false)
    await page.reload()
    await openCart(page)
    await line("Bead 7").filter({ hasText: /^Bead 7(?!\d)/ }).getByText("No longer sold").waitFor()
    await cart().locator(".total").getByText("$100.00").waitFor()
    assert.equal(await cart().getByText("The price was $0.90 and is now $1.00.").count(), 100)
    assert.equal(await cart().getByRole("listitem").getByText("No longer sold").count(), 1)
  })
})

describe("a price that changes", () => {
  test("while it lies in the cart is told", async () => {
    const { page, demo } = now
    await fillCart(page, demo.url, "Fountain pen")
    await setPrice("Fountain pen", 9_900)
    try {
      await page.reload()
      await openCart(page)
      await line("Fountain pen").getByText("The price was $34.00 and is now $99.00.").waitFor()
      await cart().locator(".total").getByText("$99.00").waitFor()
    } finally {
      await setPrice("Fountain pen", 3_400)
    }
  })

  test("after the total was shown is told before anything is ordered", async () => {
    const { page, demo } = now
    await fillCart(page, demo.url, "Fountain pen")
    await openCart(page)
    await cart().locator(".total").getByText("$34.00").waitFor()
    await setPrice("Fountain pen", 9_900)
    try {
      const before = await orderCount()
      await placeOrder(page).click()
      await cart().getByText("The total is now $99.00, and nothing was ordered.").waitFor()
      await cart().locator(".total").getByText("$99.00").waitFor()
      assert.equal(await orderCount(), before)
      await placeOrder(page).click()
      await page.getByLabel("Card number").waitFor()
      assert.equal(await totalOf(orderOf(page)), "99.00")
    } finally {
      await setPrice("Fountain pen", 3_400)
    }
  })
})

describe("a price check that is lost", () => {
  test("keeps nobody from hearing that the total is another one", async () => {
    const { page, demo, watch } = now
    watch.expected = [/ERR_FAILED/]
    await fillCart(page, demo.url, "Fountain pen")
    await openCart(page)
    await cart().locator(".total").getByText("$34.00").waitFor()
    await setPrice("Fountain pen", 9_900)
    try {
      await page.route("**/graphql", (route) => (route.request().postData()?.includes("CartProducts") ? route.abort() : route.continue()))
      await placeOrder(page).click()
      await cart().getByText("The total is now $99.00, and nothing was ordered.").waitFor()
      await page.unroute("**/graphql")
      await cart().locator(".total").getByText("$99.00").waitFor()
      await placeOrder(page).click()
      await page.getByLabel("Card number").waitFor()
      assert.equal(await totalOf(orderOf(page)), "99.00")
    } finally {
      await setPrice("Fountain pen", 3_400)
    }
  })
})

async function orderCount(): Promise<number> {
  const [[count] = [0]] = await now.demo.sql<[number]>("SELECT count(*) FROM orders")
  return count
}

describe("a storage that", () => {
  const orderAMug = async () => {
    const { page, demo } = now
    await fillCart(page, demo.url, "Stoneware mug")
    await openCart(page)
    await placeOrder(page).click()
    await page.getByLabel("Card number").waitFor()
  }

  test("is blocked leaves a shop that works", async () => {
    const blocked = 'Object.defineProperty(window, "localStorage", { get() { throw new DOMException("denied", "SecurityError") } })'
    await now.context.addInitScript({ content: blocked })
    await orderAMug()
  })

  test("is full leaves a shop that works", async () => {
    const { page, demo } = now
    await page.goto(demo.url)
    await page.evaluate(() => {
      for (let size = 1 << 20; size >= 1; size >>= 1) {
        try {
          for (let n = 0; ; n++) localStorage.setItem(`fill-${size}-${n}`, "x".repeat(size))
        } catch {
          // as full as it gets with pieces of this size
        }
      }
    })
    await orderAMug()
  })

  for (const half of ['{"key":"k"', '{"key":"k","lines":[{"productId":"p"}]}', '{"key":1,"lines":[null,7]}', '{"lines":"x"}', "[]", "null"]) {
    test(`holds ${half} leaves a shop that works`, async () => {
      const { page, demo } = now
      await page.goto(demo.url)
      await page.evaluate((text) => {
        for (const name of ["kiosk402.cart", "kiosk402.cart.2"]) localStorage.setItem(name, text)
      }, half)
      await orderAMug()
    })
  }
})

describe("two tabs", () => {
  test("have one cart: what is put in here is there as well, and nothing is lost", async () => {
    const { page, demo, context } = now
    const other = await context.newPage()
    await page.goto(demo.url)
    await other.goto(demo.url)
    await page.getByRole("button", { name: "Add Stoneware mug to cart" }).click()
    await other.getByRole("button", { name: "Add Desk lamp to cart" }).click()
    await count(page, 2)
    await count(other, 2)
    await openCart(page)
    await placeOrder(page).click()
    await page.getByLabel("Card number").waitFor()
    await count(other, 0)
  })

  test("have one cart also when one of them comes back from the back-forward cache", async () => {
    await inWholeBrowser(now)
    const { page, demo, context } = now
    await fillCart(page, demo.url, "Stoneware mug")
    await page.evaluate(() => void ((globalThis as { __kept?: boolean }).__kept = true))
    await page.goto("about:blank")
    const other = await context.newPage()
    await other.goto(demo.url)
    await other.getByRole("button", { name: "Add Desk lamp to cart" }).click()
    await page.evaluate(() => history.back()).catch(() => null)
    await count(page, 2)
    assert.equal(await page.evaluate(() => (globalThis as { __kept?: boolean }).__kept), true, "it came from the cache")
  })

  const count = (page: Page, wanted: number) => page.getByRole("button", { name: new RegExp(`^Cart ${wanted}\\b`) }).waitFor()
})

describe("the focus", () => {
  const focused = () => now.page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent)

  test("stays with the product that was put into the cart, and a screen reader hears of it", async () => {
    const { page, demo } = now
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Add Stoneware mug to cart" }).press("Enter")
    await until("One more", async () => (await focused()) ?? "")
    await page.getByRole("status").getByText("Stoneware mug: 1 in the cart").waitFor()
    await page.getByRole("button", { name: "Take out of the cart" }).press("Enter")
    await until("Add Stoneware mug to cart", async () => (await focused()) ?? "")
    await page.getByRole("status").getByText("Stoneware mug: taken out of the cart").waitFor()
  })

  test("stays in the cart when a line, and when the last line is taken out", async () => {
    const { page, demo } = now
    await fillCart(page, demo.url, "Stoneware mug", "Desk lamp")
    await openCart(page)
    await line("Stoneware mug").getByRole("button", { name: "Take out of the cart" }).press("Enter")
    await until(true, () => page.evaluate(() => document.activeElement?.closest("dialog li") !== null))
    await line("Desk lamp").getByRole("button", { name: "Take out of the cart" }).press("Enter")
    await until("Look around", async () => (await focused()) ?? "")
  })
})

describe("a question", () => {
  test("is not answered by the press that asked it: Enter twice cancels nothing, nor does a double click", async () => {
    const { page, demo } = now
    await fillCart(page, demo.url, "Stoneware mug")
    await openCart(page)
    await placeOrder(page).click()
    await page.getByLabel("Card number").waitFor()
    const order = orderOf(page)
    await page.goto(`${demo.url}/?order=${order}`)
    await page.getByRole("button", { name: "Cancel order" }).focus()
    for (let press = 0; press < 3; press++) await page.keyboard.press("Enter")
    await page.getByText("Cancel this order for good?").waitFor()
    await page.getByRole("button", { name: "Keep it" }).click()
    await page.getByRole("button", { name: "Cancel order" }).dblclick()
    await page.getByText("Cancel this order for good?").waitFor()
    assert.equal(await demo.statusOf(order), "PENDING")
  })
})

describe("the focus of who answers a question", () => {
  const focused = () => now.page.evaluate(() => document.activeElement?.textContent ?? "")

  test("stays with the order, whether it is canceled or kept", async () => {
    const { page, demo } = now
    await fillCart(page, demo.url, "Stoneware mug")
    await openCart(page)
    await placeOrder(page).click()
    await page.getByLabel("Card number").waitFor()
    await page.goto(`${demo.url}/?order=${orderOf(page)}`)
    await page.getByRole("button", { name: "Cancel order" }).press("Enter")
    await page.getByRole("button", { name: "Keep it" }).press("Enter")
    await until(true, async () => (await focused()) !== "" && !(await page.evaluate(() => document.activeElement === document.body)))
    await page.getByRole("button", { name: "Cancel order" }).press("Enter")
    await answer(page.getByRole("button", { name: "Yes, cancel it" }))
    await page.getByText("This order was canceled.").waitFor()
    assert.equal(await page.evaluate(() => document.activeElement === document.body), false)
  })
})

describe("a token that ended", () => {
  test("places nothing, and the customer signs in again and goes on", async () => {
    const { page, demo, context, watch } = now
    watch.expected = [/status of 401/]
    const token = await demo.tokenFor("ada", 4)
    await context.route("**/config.json", async (route) => {
      const answer = await route.fetch()
      const config = (await answer.json()) as { users: { token: string }[] }
      await route.fulfill({ json: { ...config, users: [{ ...config.users[0], token }] } })
    })
    await fillCart(page, demo.url, "Stoneware mug")
    await openCart(page)
    await until(false, () => demo.takes(token))
    const before = await orderCount()
    await placeOrder(page).click()
    await cart().getByText("You are signed out, and nothing was ordered.").waitFor()
    assert.equal(await page.getByText("Authorization").count(), 0)
    assert.equal(await orderCount(), before)
    await context.unroute("**/config.json")
    await cart().getByRole("button", { name: "Sign in again" }).click()
    await placeOrder(page).click()
    await page.getByLabel("Card number").waitFor()
    assert.equal(await orderCount(), before + 1)
  })
})
