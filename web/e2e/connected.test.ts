// Orders of a shop that exists elsewhere: lines of every kind, expiry, changes while the form is open, links for guests.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { until } from "./demo.ts"
import { pay, payButton, thanks } from "./shop.ts"
import { stage } from "./stage.ts"

const now = stage()
const CARD = "4242424242424242"
const LINES = [
  { kind: "PRODUCT", name: "Bicycle bell", quantity: 2, unitAmount: 1_500 },
  { kind: "SHIPPING", name: "Parcel", quantity: 1, unitAmount: 490 },
  { kind: "TAX", name: "VAT 19 %", quantity: 1, unitAmount: 663 },
  { kind: "DISCOUNT", name: "Voucher HELLO", quantity: 1, unitAmount: 500 },
]

async function imported(more: object = {}): Promise<string> {
  const { importOrder } = await now.demo.graphql<{ importOrder: { id: string } }>(
    "mutation($input: ImportOrderInput!) { importOrder(input: $input) { ... on Order { id } ... on UserError { message } } }",
    { input: { reference: crypto.randomUUID(), userId: "ada", currency: "USD", lines: LINES, total: 3_653, ...more } },
    "merchant",
  )
  return importOrder.id
}

describe("an order of the shop's own system", () => {
  test("shows its shipping, tax and voucher, and is paid", async () => {
    const { page, demo } = now
    const order = await imported()
    await page.goto(`${demo.url}/?pay=${order}`)
    const summary = page.locator("details.summary")
    await summary.getByText("Bicycle bell").waitFor()
    for (const [kind, amount] of [["Shipping", "$4.90"], ["Tax", "$6.63"], ["Discount", "-$5.00"]] as const) {
      await summary.locator(".extras > div").filter({ hasText: kind }).getByText(amount).waitFor()
    }
    await payButton(page).getByText("$36.53").waitFor()
    await pay(page, CARD)
    await thanks(page).waitFor()
    assert.equal(await demo.statusOf(order), "PAID")
  })

  test("says until when it can be paid, and that it has expired", async () => {
    const { page, demo } = now
    const order = await imported({ expiresAt: new Date(Date.now() + 3_600_000).toISOString() })
    await page.goto(`${demo.url}/?pay=${order}`)
    await page.getByText("Please pay by").waitFor()
    await demo.sql(`UPDATE orders SET status = 'canceled', cancel_reason = 'expired' WHERE id = '${order}'`)
    await page.getByText("This order has expired.").waitFor({ timeout: 30_000 })
  })

  test("that is changed while its form is open says so, and is paid at the new total", async () => {
    const { page, demo } = now
    const order = await imported()
    await page.goto(`${demo.url}/?pay=${order}`)
    await payButton(page).getByText("$36.53").waitFor()
    const lines = LINES.filter(({ kind }) => kind !== "DISCOUNT")
    const { order: found } = await demo.graphql<{ order: { version: number } }>("query($id: ID!) { order(id: $id) { version } }", { id: order })
    await demo.graphql(
      "mutation($input: UpdateOrderInput!) { updateOrder(input: $input) { __typename } }",
      { input: { orderId: order, expectedVersion: found.version, lines, total: 4_153 } },
      "merchant",
    )
    await page.getByText("Your order has changed: it is now $41.53.").waitFor() // the open form follows the order
    await payButton(page).getByText("$41.53").waitFor()
    await pay(page, CARD)
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("that is changed is paid at the new total also where Stripe.js can't tell the wallets of it", async () => {
    const { page, demo, context } = now
    await context.route("**/v3/stripe.js", async (route) => {
      const answer = await route.fetch()
      const body = (await answer.text()).replace("async fetchUpdates() { return {} }", 'async fetchUpdates() { throw new Error("no") }')
      assert.match(body, /throw new Error\("no"\)/)
      await route.fulfill({ response: answer, body })
    })
    const order = await imported()
    await page.goto(`${demo.url}/?pay=${order}`)
    await payButton(page).getByText("$36.53").waitFor()
    await demo.sql(`UPDATE order_items SET unit_amount = unit_amount + 500 WHERE order_id = '${order}' AND kind = 'shipping'`)
    await pay(page, CARD)
    await payButton(page).getByText("$41.53").waitFor()
    await pay(page, CARD)
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("that is changed without a word is not paid at the old total", async () => {
    const { page, demo } = now
    const order = await imported()
    await page.goto(`${demo.url}/?pay=${order}`)
    await payButton(page).getByText("$36.53").waitFor()
    // By SQL, of which nobody is told.
    await demo.sql(`UPDATE order_items SET unit_amount = unit_amount + 500 WHERE order_id = '${order}' AND kind = 'shipping'`)
    await pay(page, CARD)
    await page.getByText("Your order has changed: it is now $41.53.").waitFor()
    assert.equal(await demo.chargesOf(order), 0, "nobody pays another amount than the one that was shown")
    await payButton(page).getByText("$41.53").waitFor()
    await pay(page, CARD)
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })
})

describe("a guest with a link", () => {
  async function link(): Promise<{ order: string; address: string }> {
    const order = await imported({ userId: null })
    const { createCheckoutToken } = await now.demo.graphql<{ createCheckoutToken: { token: string } }>(
      "mutation($id: ID!) { createCheckoutToken(orderId: $id) { ... on CheckoutToken { token } } }", { id: order }, "merchant",
    )
    return { order, address: `${now.demo.url}/?pay=${order}#token=${createCheckoutToken.token}` }
  }
  const statusOf = async (order: string) => (await now.demo.sql<[string]>(`SELECT status FROM orders WHERE id = '${order}'`))[0]?.[0]

  test("pays the one order, and the token leaves the address bar", async () => {
    const { page } = now
    const { order, address } = await link()
    await page.goto(address)
    await payButton(page).waitFor()
    assert.equal(new URL(page.url()).hash, "")
    assert.equal(await page.getByRole("link", { name: "My orders" }).count(), 0)
    await pay(page, CARD)
    await thanks(page).waitFor()
    await until("paid", () => statusOf(order))
  })

  test("comes back from the bank to it", async () => {
    const { page } = now
    const { order, address } = await link()
    await page.goto(address)
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Approve" }).click()
    await thanks(page).waitFor()
    await until("paid", () => statusOf(order))
  })

  test("uses a second link to it that is put into the same tab", async () => {
    const { page, watch } = now
    watch.expected = [/status of 40[13]/]
    const { order, address } = await link()
    await page.goto(`${address}x`)
    await page.getByText("This link is not valid any more.").first().waitFor()
    await page.evaluate((to) => location.assign(to), address)
    await payButton(page).waitFor()
    assert.equal(new URL(page.url()).hash, "")
    await pay(page, CARD)
    await thanks(page).waitFor()
    await until("paid", () => statusOf(order))
  })

  test("is told that the link is no good any more, when it isn't", async () => {
    const { page, demo, watch } = now
    watch.expected = [/status of 40[13]/]
    await page.goto(`${demo.url}/?pay=${await imported({ userId: null })}#token=pgc_nothing`)
    await page.getByText("This link is not valid any more.").first().waitFor()
    assert.equal(await page.getByLabel("Card number").count(), 0)
  })
})
