// What a page says of money comes from our server, whatever the last call answered.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import type { Page } from "playwright-core"
import { until } from "./demo.ts"
import { everShown, fillCart, openCart, orderSomething, pay, payButton, placeOrder, thanks, typeCard } from "./shop.ts"
import { inWholeBrowser, stage } from "./stage.ts"

const now = stage()
const CARD = "4242424242424242"
const BROKEN = [/ERR_FAILED|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_NETWORK/]
const REFUSED = [/status of 40[02]/]

/** The confirmation reaches Stripe, and its answer doesn't reach the page. */
async function loseAnswers(page: Page): Promise<void> {
  await page.route("**/confirm", async (route) => {
    await route.fetch()
    await route.abort()
  })
}

/** Another tab of the same customer, where the order is paid. */
async function payElsewhere(order: string): Promise<void> {
  const intent = await now.demo.intentOf(order)
  await now.demo.order(`payment_intents/${intent}/pay`, { payment_method: "pm_card_visa" })
  await until("PAID", () => now.demo.statusOf(order))
}

/** Without a socket, as behind some proxies: the page must find out all the same. */
const withoutSockets = (page: Page) => page.routeWebSocket(/graphql/, (socket) => void socket.close())

describe("nothing is said to be unpaid that may be paid", () => {
  test("when the answer of a confirmation is lost", async () => {
    const { page, demo, watch } = now
    watch.expected = BROKEN
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    const lied = await everShown(page, "Nothing was charged")
    await loseAnswers(page)
    await pay(page, CARD)
    await thanks(page).waitFor()
    assert.equal(await lied(), false)
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("when the answer is lost and the shop can't be reached either, until it can", async () => {
    const { page, demo, watch } = now
    watch.expected = BROKEN
    await withoutSockets(page) // which would tell
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    const lied = await everShown(page, "Nothing was charged")
    await loseAnswers(page)
    await page.route("**/graphql", (route) => route.abort())
    await pay(page, CARD)
    await page.getByText("We are asking the shop how your order stands.").waitFor()
    await until("PAID", () => demo.statusOf(order))
    await page.unroute("**/graphql")
    await thanks(page).waitFor({ timeout: 30_000 })
    assert.equal(await lied(), false)
  })

  test("when the confirmation never left: the customer is told that the order is still unpaid, and pays", async () => {
    const { page, demo, watch } = now
    watch.expected = BROKEN
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    await page.route("**/confirm", (route) => route.abort())
    await pay(page, CARD)
    await page.getByRole("alert").getByText("The order is not paid yet.").waitFor()
    await page.unroute("**/confirm")
    await pay(page, CARD)
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("while the customer is offline, and it goes on when they are back", async () => {
    const { page, demo, watch, context } = now
    watch.expected = BROKEN
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    const lied = await everShown(page, "Nothing was charged")
    await typeCard(page, CARD)
    await context.setOffline(true)
    await payButton(page).click()
    await page.getByText("We are asking the shop how your order stands.").waitFor()
    assert.equal(await lied(), false)
    await context.setOffline(false)
    await page.getByRole("alert").getByText("The order is not paid yet.").waitFor({ timeout: 30_000 })
    await pay(page, CARD)
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("but a declined card did charge nothing, and that is said", async () => {
    const { page, demo, watch } = now
    watch.expected = REFUSED
    await orderSomething(page, demo.url, "Stoneware mug")
    await pay(page, "4000000000009995")
    await page.getByRole("alert").getByText("Your card has insufficient funds.").waitFor()
    await page.getByText("Nothing was charged.").waitFor()
  })
})

describe("a form left open follows the order", () => {
  test("that was paid in another tab", async () => {
    const { page, demo } = now
    const order = await orderSomething(page, demo.url, "Fountain pen")
    await payElsewhere(order)
    await thanks(page).waitFor()
  })

  test("that was paid in another tab, where no socket comes through", async () => {
    const { page, demo } = now
    await withoutSockets(page)
    const order = await orderSomething(page, demo.url, "Fountain pen")
    await payElsewhere(order)
    await thanks(page).waitFor({ timeout: 30_000 })
  })

  test("that was canceled meanwhile", async () => {
    const { page, demo } = now
    const order = await orderSomething(page, demo.url, "Fountain pen")
    await demo.graphql("mutation($id: ID!) { cancelOrder(orderId: $id) { __typename } }", { id: order })
    await page.getByText("This order was canceled.").waitFor()
    assert.equal(await page.getByLabel("Card number").count(), 0)
  })

  test("and Pay, pressed before the page heard of the other tab, ends in the truth as well", async () => {
    const { page, demo, watch } = now
    watch.expected = [...BROKEN, ...REFUSED]
    await withoutSockets(page)
    const order = await orderSomething(page, demo.url, "Fountain pen")
    const lied = await everShown(page, "Nothing was charged")
    await typeCard(page, CARD)
    // The page's own question is lost, so that it can't have heard.
    await page.route("**/graphql", (route) => (route.request().postData()?.includes("OrderStatus") ? route.abort() : route.continue()))
    await payElsewhere(order)
    await payButton(page).click()
    await thanks(page).waitFor({ timeout: 30_000 })
    assert.equal(await lied(), false)
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("through a restart of the server", async () => {
    const { page, demo, watch } = now
    watch.expected = BROKEN
    const order = await orderSomething(page, demo.url, "Fountain pen")
    const intent = await demo.intentOf(order)
    await demo.down()
    await demo.up()
    await demo.order(`payment_intents/${intent}/pay`, { payment_method: "pm_card_visa" })
    await thanks(page).waitFor({ timeout: 60_000 })
  })
})

describe("back from the bank", () => {
  const blockStripe = () => now.context.route("**/v3/stripe.js", (route) => route.abort())

  test("a paid order is paid, also when Stripe.js can't be loaded", async () => {
    const { page, demo, watch } = now
    watch.expected = BROKEN
    const order = await orderSomething(page, demo.url, "Canvas backpack")
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Approve" }).waitFor()
    await blockStripe()
    await page.getByRole("button", { name: "Approve" }).click()
    await thanks(page).waitFor()
    assert.equal(await demo.statusOf(order), "PAID")
  })

  test("somebody else than the first of the demo is still that one", async () => {
    const { page, demo } = now
    await page.goto(demo.url)
    await page.getByRole("radio", { name: "Shopkeeper" }).check()
    await orderSomething(page, demo.url, "Canvas backpack")
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Approve" }).click()
    await thanks(page).waitFor()
    assert.ok(await page.getByRole("radio", { name: "Shopkeeper" }).isChecked())
  })

  test("a refused payment is told without Stripe.js too, and the card form says that it is missing", async () => {
    const { page, demo, watch } = now
    watch.expected = BROKEN
    await orderSomething(page, demo.url, "Canvas backpack")
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Refuse" }).waitFor()
    await blockStripe()
    await page.getByRole("button", { name: "Refuse" }).click()
    await page.getByRole("alert").getByText("Your bank did not approve the payment.").waitFor()
    await page.getByText("The card form could not be loaded.").waitFor()
    await now.context.unroute("**/v3/stripe.js")
    await page.getByRole("button", { name: "Load it again" }).click()
    await pay(page, CARD)
    await thanks(page).waitFor()
  })

  /** Goes back, and proves that the page came from the cache: what was noted in it is still there. */
  async function back(page: Page): Promise<void> {
    await page.evaluate(() => history.back()).catch(() => null) // a page from the cache fires no `load`
    await page.getByLabel("Card number").or(thanks(page)).waitFor()
    assert.equal(await page.evaluate(() => (globalThis as { __kept?: boolean }).__kept), true, "it came from the cache")
  }
  const mark = (page: Page) => page.evaluate(() => void ((globalThis as { __kept?: boolean }).__kept = true))

  test("by the Back button, the order can be paid", async () => {
    await inWholeBrowser(now)
    const { page, demo } = now
    const order = await orderSomething(page, demo.url, "Canvas backpack")
    await mark(page)
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Approve" }).waitFor()
    await back(page)
    await pay(page, CARD)
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("by the Back button after it was paid, it says so", async () => {
    await inWholeBrowser(now)
    const { page, demo } = now
    const order = await orderSomething(page, demo.url, "Canvas backpack")
    await mark(page)
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Approve" }).waitFor()
    const intent = await demo.intentOf(order)
    await demo.order(`payment_intents/${intent}/authenticate`, { outcome: "approve" })
    await until("PAID", () => demo.statusOf(order))
    await back(page)
    await thanks(page).waitFor()
  })
})

test("a card form that Stripe.js can't fill is said to be missing, and not waited for", async () => {
  const { page, demo, context } = now
  await context.route("**/v3/stripe.js", async (route) => {
    const answer = await route.fetch()
    await route.fulfill({ response: answer, body: (await answer.text()).replace('this.#tell("ready", {', 'this.#tell("loaderror", {') })
  })
  await fillCart(page, demo.url, "Stoneware mug")
  await openCart(page)
  await placeOrder(page).click()
  await page.getByText("The card form could not be loaded.").waitFor()
})

describe("a total that cards don't take", () => {
  test("is said to be too large when it is", async () => {
    const { page, demo } = now
    await demo.sql("UPDATE products SET unit_amount = 90000000 WHERE name = 'Desk lamp'")
    try {
      await page.goto(demo.url)
      await page.getByRole("button", { name: "Add Desk lamp to cart" }).click()
      await page.getByRole("button", { name: "One more" }).click()
      await page.getByRole("button", { name: /^Cart/ }).click()
      await page.getByRole("button", { name: "Place order and pay" }).click()
      await page.getByText("The total is too large to pay by card.").waitFor()
      assert.equal(await page.getByText("too small").count(), 0)
      await page.getByText("$999,999.99").waitFor()
    } finally {
      await demo.sql("UPDATE products SET unit_amount = 6490 WHERE name = 'Desk lamp'")
    }
  })
})
