// The lists and pages of orders, for customers and for the shopkeeper.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Page } from "playwright-core"
import { until } from "./demo.ts"
import { everShown, orderSomething, pay, thanks } from "./shop.ts"
import { stage } from "./stage.ts"

const now = stage()
const CARD = "4242424242424242"

describe("my orders", () => {
  /** Orders of ada's, newer than those that are there. */
  const addOrders = (count: number) =>
    now.demo.sql(`INSERT INTO orders (id, user_id, currency, created_at)
      SELECT gen_random_uuid(), 'ada', 'USD', now() - interval '1 day' + n * interval '1 second' FROM generate_series(1, ${count}) AS n`)

  test("stay when older ones were asked for and the page looks anew", async () => {
    const { page, demo } = now
    await addOrders(45)
    await page.goto(`${demo.url}/?orders`)
    const rows = page.getByRole("article")
    await until(10, () => rows.count())
    await page.getByRole("button", { name: "Show older orders" }).click()
    await until(20, () => rows.count())
    const asked = page.waitForResponse((answer) => answer.request().postData()?.includes("MyOrders") === true)
    await page.evaluate(() => void dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })))
    await asked
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    assert.equal(await rows.count(), 20)
  })

  test("change by themselves while one is paid elsewhere", async () => {
    const { page, demo, context } = now
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    const list = await context.newPage()
    await list.goto(`${demo.url}/?orders`)
    const row = list.getByRole("article", { name: new RegExp(order.slice(0, 8), "i") })
    await row.getByText("Waiting for payment").waitFor()
    await pay(page, CARD)
    await thanks(page).waitFor()
    await row.getByText("Paid").waitFor()
  })

  test("stay paid when an answer of before the payment arrives after it", async () => {
    const { page, demo, context } = now
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    const list = await context.newPage()
    await list.goto(`${demo.url}/?orders`)
    const row = list.getByRole("article", { name: new RegExp(order.slice(0, 8), "i") })
    await row.getByText("Waiting for payment").waitFor()
    const [held, release] = await holdAnswer(list, "OrderStatus", order)
    await list.evaluate(() => void dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })))
    await held
    await pay(page, CARD)
    await row.getByText("Paid").waitFor()
    await release()
    assert.match(await row.innerText(), /Paid/)
    assert.doesNotMatch(await row.innerText(), /Waiting/)
  })

  /** Lets the first answer to this query about the order leave the server, and not arrive until it is released. */
  async function holdAnswer(page: Page, query: string, order: string): Promise<[Promise<void>, () => Promise<void>]> {
    let [leave, arrive] = [() => {}, () => {}]
    const left = new Promise<void>((resolve) => (leave = resolve))
    const arrives = new Promise<void>((resolve) => (arrive = resolve))
    let isHeld = false
    await page.route("**/graphql", async (route) => {
      const asked = route.request().postData() ?? ""
      if (isHeld || !asked.includes(query) || !asked.includes(order)) return route.continue()
      isHeld = true
      const response = await route.fetch()
      leave()
      await arrives
      await route.fulfill({ response })
    })
    const release = async () => {
      const arrived = page.waitForEvent("requestfinished", (request) => request.postData()?.includes(query) === true)
      arrive()
      await arrived
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))
    }
    return [left, release]
  }

  test("ask the server nothing while nothing is pending", async () => {
    const { page, demo } = now
    await demo.sql("UPDATE orders SET status = 'canceled' WHERE status = 'pending'")
    await page.goto(`${demo.url}/?orders`)
    await page.getByRole("article").first().waitFor()
    await page.clock.install()
    let calls = 0
    page.on("request", (request) => request.url().endsWith("/graphql") && calls++)
    await page.clock.runFor(60_000)
    assert.equal(calls, 0)
  })
})

describe("the shopkeeper", () => {
  async function refundOf(product: string): Promise<string> {
    const { page, demo } = now
    const order = await orderSomething(page, demo.url, product)
    await pay(page, CARD)
    await thanks(page).waitFor()
    await page.getByRole("radio", { name: "Shopkeeper" }).check()
    await page.goto(`${demo.url}/?order=${order}`)
    await page.getByRole("radio", { name: "Shopkeeper" }).check()
    await page.getByLabel("Amount in USD").waitFor()
    return order
  }
  const refunds = async (order: string) =>
    (await now.demo.sql<[number]>(`SELECT refunds.amount FROM refunds JOIN payments p ON p.id = payment_id WHERE p.order_id = '${order}'`)).length

  test("is not understood differently: 5.999 gives nothing back", async () => {
    const { page } = now
    const order = await refundOf("Stoneware mug")
    for (const typed of ["5.999", "1e2", "-5", "0", "5,99,9", "five"]) {
      await page.getByLabel("Amount in USD").fill(typed)
      await page.getByRole("button", { name: "Refund…" }).click()
      await page.getByRole("alert").getByText("Enter an amount such as 5.00").waitFor()
    }
    assert.equal(await refunds(order), 0)
  })

  test("is asked before all of it goes back", async () => {
    const { page, demo } = now
    const order = await refundOf("Stoneware mug")
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByText("Give back all that is left, $19.99?").waitFor()
    assert.equal(await refunds(order), 0)
    await page.getByRole("button", { name: "Keep the money" }).click()
    await page.getByLabel("Amount in USD").fill("5")
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByText("Give back $5.00? After that $14.99 is left.").waitFor()
    await page.getByRole("button", { name: "Give it back" }).dblclick()
    await page.getByText("$5.00: given back.").waitFor()
    assert.equal(await refunds(order), 1)
    assert.equal(await demo.statusOf(order), "PARTIALLY_REFUNDED")
  })

  test("is not asked for again when only what the page shows could not be read after it", async () => {
    const { page, watch } = now
    watch.expected = [/status of 403/]
    const order = await refundOf("Stoneware mug")
    const invited = await everShown(page, "Give it back again")
    let isGiven = false
    await page.route("**/graphql", (route) => {
      if (isGiven) return route.fulfill({ status: 403, body: "not now" })
      isGiven = !!route.request().postData()?.includes("mutation RefundOrder")
      return route.continue()
    })
    await page.getByLabel("Amount in USD").fill("5")
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByRole("button", { name: "Give it back" }).click()
    await page.getByText("$5.00: given back.").waitFor()
    await page.unroute("**/graphql")
    assert.equal(await invited(), false)
    assert.equal(await refunds(order), 1)
  })

  test("is given back once, though the answer was lost and the page loaded anew", async () => {
    const { page, watch } = now
    watch.expected = [/ERR_FAILED/]
    const order = await refundOf("Stoneware mug")
    await page.route("**/graphql", async (route) => {
      if (!route.request().postData()?.includes("mutation RefundOrder")) return route.continue()
      await route.fetch()
      return route.abort()
    })
    await page.getByLabel("Amount in USD").fill("5")
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByRole("button", { name: "Give it back" }).click()
    await until(1, () => refunds(order))
    await page.reload()
    await page.getByText("A refund of $5.00 was sent, and its answer never came.").waitFor()
    await page.unroute("**/graphql") // not before: the page would have sent it again by itself
    await page.getByRole("button", { name: "Send it again" }).click()
    await page.getByText("$5.00: given back.").waitFor()
    assert.equal(await refunds(order), 1)
  })

  test("is not told that somebody packs a customer's order", async () => {
    const { page } = now
    await refundOf("Stoneware mug")
    await page.getByText("Paid in full.").waitFor()
    assert.equal(await page.getByText("we are packing it").count(), 0)
  })

  test("and the customer see that money is disputed", async () => {
    const { page, demo } = now
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    await pay(page, "4000000000000259")
    await page.getByRole("link", { name: "My orders" }).first().click()
    await until(1, async () => (await demo.graphql<{ order: { disputes: unknown[] } }>("query($id: ID!) { order(id: $id) { disputes { id } } }", { id: order })).order.disputes.length)
    await page.goto(`${demo.url}/?order=${order}`)
    await page.getByText("The payment is disputed.").waitFor()
    assert.equal(await page.getByText("we are packing it").count(), 0)
    await page.getByRole("radio", { name: "Shopkeeper" }).check()
    await page.getByText("The customer’s bank asks for the money back.").waitFor()
    await page.getByRole("radio").first().check()
    await page.goto(`${demo.url}/?orders`)
    await page.getByRole("article", { name: new RegExp(order.slice(0, 8), "i") }).getByText("Disputed").waitFor()
  })
})
