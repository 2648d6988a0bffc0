// The amounts that a person decides by are those that the server acts upon.
import assert from "node:assert/strict"
import { describe, test } from "node:test"
import { until } from "./demo.ts"
import { ShopOf, openOrder, sumOf } from "./desk.ts"
import { stage } from "./stage.ts"

const now = stage()
const shop = new ShopOf(() => now.demo)
const button = (name: string) => now.page.getByRole("button", { name, exact: true })

async function decide(open: string, question: string[]): Promise<void> {
  await button(open).click()
  const dialog = now.page.getByRole("dialog")
  for (const sentence of question) await dialog.getByText(sentence).waitFor()
  await dialog.getByLabel("Why, for the shop").fill("The customer was told.")
  await button(open.replace("…", "")).click()
  await dialog.waitFor({ state: "detached" })
}

describe("a decision about a review", () => {
  test("of two payments settles the order with one and gives the other back, as it says before", async () => {
    const order = await shop.paidTwiceInReview()
    await openOrder(now.page, now.demo.url, order.id)
    await now.page.getByText("$36.53 and $41.53 are here, and the order’s total is $41.53.").waitFor()
    await button("Give back $36.53 and $41.53…").waitFor()
    await decide("Accept $41.53…", ["The total stays $41.53, and the order is paid.", "Stripe is asked to give back $36.53."])
    await until("PAID", () => now.demo.statusOf(order.id))
    await sumOf(now.page, "Total").getByText("$41.53").waitFor()
    await until("3653", async () => String(await shop.refundsOf(order.id)))
  })

  test("counts what a bank took as received, and says that it is not here", async () => {
    const order = await shop.inReview()
    await shop.loses(order, 300)
    await openOrder(now.page, now.demo.url, order.id)
    await now.page.getByText("$33.53 is here, and the order’s total is $41.53.").waitFor()
    await button("Give back $33.53…").waitFor()
    await decide("Accept $36.53…", ["makes the total $36.53 instead of $41.53", "Of it $33.53 is here: a bank took the rest in a lost dispute."])
    await until("PAID", () => now.demo.statusOf(order.id))
    await sumOf(now.page, "Total").getByText("$36.53").waitFor()
  })

  test("names money of another currency in its own, and offers no ACCEPT of it", async () => {
    const order = await shop.inReview()
    await now.demo.sql(`UPDATE orders SET currency = 'EUR' WHERE id = '${order.id}'`)
    await openOrder(now.page, now.demo.url, order.id)
    await now.page.getByText("$36.53 is here, and the order’s total is €41.53.").waitFor()
    await now.page.getByText("The money is of another currency: it can only be refunded.").waitFor()
    assert.equal(await now.page.getByRole("button", { name: "Accept" }).count(), 0)
    await decide("Give back $36.53…", ["Stripe is asked to give back $36.53."])
    await until("REFUNDED", () => now.demo.statusOf(order.id))
  })

  for (const status of ["pending", "canceled", "refunded", "partially_refunded"]) {
    test(`can be made about a paid order that was set to ${status} by hand`, async () => {
      const order = await shop.paid()
      await now.demo.sql(`UPDATE orders SET status = '${status}' WHERE id = '${order.id}'`)
      await openOrder(now.page, now.demo.url, order.id)
      await now.page.getByText("$36.53 is here, and the order’s total is $36.53.").waitFor()
      await button("Give back $36.53…").waitFor()
      await decide("Accept $36.53…", ["The total stays $36.53, and the order is paid."])
      await until("PAID", () => now.demo.statusOf(order.id))
      await now.page.getByText("Needs your decision").waitFor({ state: "detached" })
    })
  }

  test("is not asked for about an order in review without money", async () => {
    const order = await shop.order()
    await now.demo.sql(`UPDATE orders SET status = 'review' WHERE id = '${order.id}'`)
    await openOrder(now.page, now.demo.url, order.id)
    await now.page.getByText("no money of it waits for a decision").waitFor()
    assert.equal(await now.page.getByRole("button", { name: /Accept|Give back/ }).count(), 0)
  })
})
