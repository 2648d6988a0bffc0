// A shopkeeper's day at the desk.
import assert from "node:assert/strict"
import { readFile } from "node:fs/promises"
import { describe, test } from "node:test"
import type { Page } from "playwright-core"
import { until } from "./demo.ts"
import { ShopOf, enter, enterWith, openOrder, search, sumOf } from "./desk.ts"
import { inWholeBrowser, stage } from "./stage.ts"

const now = stage()
const shop = new ShopOf(() => now.demo)
const BROKEN = [/ERR_FAILED|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_NETWORK|WebSocket connection/]

const REFUSED = [/status of 40[0134]/]

const title = (page: Page, name: string) => page.getByRole("heading", { level: 1, name })
const row = (page: Page, name: string) => page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) })
const theDialog = (page: Page) => page.getByRole("dialog")

describe("signing in", () => {
  test("takes a merchant's token and a service key, lasts as long as the tab, and ends when one signs out", async () => {
    const { page, demo, context, watch } = now
    watch.expected = REFUSED // the cases are not for this key
    await enterWith(page, demo.url, await shop.key("ORDERS_READ"))
    await page.getByRole("link", { name: "Orders" }).waitFor()
    await page.reload()
    await page.getByRole("link", { name: "Orders" }).waitFor()
    const other = await context.newPage()
    await other.goto(`${demo.url}/desk/`)
    await other.getByRole("button", { name: "Sign in" }).waitFor()
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.getByRole("button", { name: "Sign in" }).waitFor()
    await page.reload()
    await page.getByRole("button", { name: "Sign in" }).waitFor()
  })

  test("a page from before the sign-out, back from the back-forward cache, shows nothing any more", async () => {
    await inWholeBrowser(now)
    const { page, demo } = now
    await enter(page, demo.url)
    await page.evaluate(() => void ((globalThis as { __kept?: boolean }).__kept = true))
    await page.goto(`${demo.url}/desk/?page=keys`)
    await page.getByRole("button", { name: "Sign out" }).click()
    await page.getByRole("button", { name: "Sign in" }).waitFor()
    await page.evaluate(() => history.back()).catch(() => null)
    await page.waitForURL(`${demo.url}/desk/`)
    await page.getByRole("button", { name: "Sign in" }).waitFor()
    assert.equal(await page.getByRole("navigation", { name: "Main" }).count(), 0)
  })

  test("where the browser keeps nothing, it lasts as long as the page", async () => {
    const { page, demo, context } = now
    const blocked = (name: string) => `Object.defineProperty(window, "${name}", { get() { throw new DOMException("denied", "SecurityError") } })`
    await context.addInitScript({ content: ["localStorage", "sessionStorage"].map(blocked).join(";") })
    const order = await shop.paid()
    await enter(page, demo.url)
    await search(page, order.reference)
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByLabel("Amount in USD").fill("1")
    await page.getByRole("button", { name: "Go on…" }).click()
    await page.getByRole("button", { name: "Give back $1.00" }).click()
    await page.getByText("$1.00: refunded.").waitFor()
    await page.reload()
    await page.getByRole("button", { name: "Sign in" }).waitFor()
  })

  test("says why a token is not one for the desk", async () => {
    const { page, demo, watch } = now
    watch.expected = REFUSED
    const { users } = (await (await fetch(`${demo.url}/config.json`)).json()) as { users: { token: string; role: string }[] }
    const customer = users.find(({ role }) => role === "customer")?.token ?? ""
    for (const [token, why] of [["nonsense", "does not take this token"], [customer, "is a customer’s"], ["pgc_abc", "for one order"], ["eyJ…", "does not take this token"]] as const) {
      await enterWith(page, demo.url, token)
      await page.getByRole("alert").getByText(why).waitFor()
    }
  })

  test("a token that ends leads back to where one was", async () => {
    const { page, demo, watch } = now
    watch.expected = [...REFUSED, ...BROKEN]
    const order = await shop.order()
    const key = await shop.key("ORDERS_READ")
    await enterWith(page, demo.url, key)
    await search(page, order.reference)
    await title(page, `Order ${order.reference}`).waitFor()
    await demo.sql("UPDATE service_keys SET revoked_at = now()")
    await until(false, () => demo.takes(key))
    await page.getByRole("link", { name: "Disputes" }).click()
    await page.getByText("your token has ended").waitFor()
    await page.getByLabel("A merchant’s token, or a service key").fill(await shop.key("ORDERS_READ"))
    await page.getByRole("button", { name: "Sign in" }).click()
    await title(page, "Disputes").waitFor()
  })
})

describe("finding an order", () => {
  test("by its reference, PaymentIntent or number goes to the order; by e-mail and user to their orders", async () => {
    const { page, demo } = now
    const order = await shop.paid("pm_card_visa", { userId: "ada" })
    await enter(page, demo.url)
    for (const text of [order.reference, order.intent, order.id, order.id.slice(0, 8).toUpperCase(), `${order.intent}_secret_abc`]) {
      await search(page, text)
      await title(page, `Order ${order.reference}`).waitFor()
      await page.goBack()
      await title(page, "Home").waitFor()
    }
    for (const text of [`ada+${order.reference}@shop.example`, "ada"]) {
      await search(page, text)
      await row(page, order.reference).waitFor()
    }
    await page.waitForURL(/user=ada/)
  })

  test("that isn't there says what it was looked for as", async () => {
    const { page, demo } = now
    await enter(page, demo.url)
    await search(page, "B-17")
    await page.getByText("No order has “B-17” as its reference, user.").waitFor()
  })
})

describe("the orders", () => {
  test("are seen by how they stand; the view, the days and the page are in the address", async () => {
    const { page, demo } = now
    const [unpaid, paid, bank, review, disputed] = [await shop.order(), await shop.paid(), await shop.withTheBank(), await shop.inReview(), await shop.disputed()]
    await enter(page, demo.url, "/desk/?page=orders")
    for (const [view, has, hasNot] of [
      ["Unpaid", unpaid, paid], ["With the bank", bank, unpaid], ["Paid", paid, unpaid], ["Review", review, paid], ["Disputed", disputed, paid],
    ] as const) {
      await page.getByRole("navigation", { name: "Views" }).getByRole("link", { name: view, exact: true }).click()
      await row(page, has.reference).waitFor()
      assert.equal(await row(page, hasNot.reference).count(), 0, `${view} shows another one`)
    }
    await page.reload()
    await row(page, disputed.reference).getByText("Disputed").waitFor()
    await page.goBack()
    await row(page, review.reference).waitFor()
    await page.getByLabel("From").fill("2020-01-01")
    await page.getByLabel("To").fill("2020-01-02")
    await page.getByText("No order fits.").waitFor()
    assert.match(page.url(), /from=2020-01-01&to=2020-01-02/)
    await page.getByRole("link", { name: "Clear" }).click()
    await row(page, unpaid.reference).waitFor()
  })

  test("go on to older ones and back, and each is there once", async () => {
    const { page, demo } = now
    await demo.sql(`INSERT INTO orders (id, user_id, currency, reference, created_at)
      SELECT gen_random_uuid(), 'many', 'USD', 'M-' || n, now() - n * interval '1 minute' FROM generate_series(1, 120) AS n`)
    await enter(page, demo.url, "/desk/?page=orders&user=many")
    const rows = page.locator("tbody tr")
    const seen: string[] = []
    for (const count of [50, 50, 20]) {
      await until(count, () => rows.count())
      seen.push(...(await page.locator("tbody th").allInnerTexts()))
      if (count === 20) break
      const last = seen.at(-1) ?? ""
      await page.getByRole("link", { name: "Older" }).click()
      await row(page, last).waitFor({ state: "detached" })
    }
    assert.equal(new Set(seen).size, 120)
    await page.goBack()
    await until(50, () => rows.count())
    await page.getByRole("link", { name: "Newest" }).click()
    await row(page, "M-1").waitFor()
  })

  test("are written as CSV, all that fit, not only the page", async () => {
    const { page, demo } = now
    await demo.sql(`INSERT INTO orders (id, user_id, currency, reference, created_at)
      SELECT gen_random_uuid(), 'csv', 'USD', '=C-' || n, now() - n * interval '1 minute' FROM generate_series(1, 110) AS n`)
    await enter(page, demo.url, "/desk/?page=orders&user=csv")
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "CSV" }).click()])
    await page.getByText("110 orders written.").waitFor()
    const lines = (await readFile(await download.path(), "utf8")).trim().split("\r\n")
    assert.equal(lines.length, 111)
    assert.match(lines[1] ?? "", /,'=C-1,csv,,pending,USD,0\.00,0\.00,0\.00,0\.00,,,0\.00$/)
  })

  test("with very many lines come on smaller pages", async () => {
    const { page, demo, watch } = now
    watch.expected = REFUSED
    await demo.sql(`INSERT INTO orders (id, user_id, currency, reference, created_at)
      SELECT gen_random_uuid(), 'large', 'USD', 'L-' || n, now() - n * interval '1 minute' FROM generate_series(1, 40) AS n`)
    await demo.sql(`INSERT INTO order_items (order_id, position, product_name, unit_amount, quantity)
      SELECT orders.id, n, 'Part ' || n, 100, 1 FROM orders, generate_series(1, 90) AS n WHERE user_id = 'large'`)
    await enter(page, demo.url, "/desk/?page=orders&user=large")
    await row(page, "L-1").getByText("1 × Part 1 + 89 more").waitFor()
    await page.getByRole("link", { name: "Older" }).waitFor()
  })
})

describe("an order", () => {
  test("tells what arrived, what went back, what is left, and what happened when", async () => {
    const { page, demo } = now
    const order = await shop.paid()
    await openOrder(page, demo.url, order.id)
    for (const [name, amount] of [["Total", "$36.53"], ["Received", "$36.53"], ["Returned", "$0.00"], ["Left", "$36.53"]] as const) {
      assert.equal(await sumOf(page, name).innerText(), amount)
    }
    const timeline = page.locator(".timeline li")
    await timeline.first().getByText("Money received $36.53").waitFor()
    await timeline.last().getByText("Order placed").waitFor()
    for (const line of ["2 × Bicycle bell", "Shipping: Parcel", "Discount: Voucher HELLO"]) await page.getByText(line).waitFor()
    await page.getByText("-$5.00").waitFor()
  })

  test("changes by itself while it is open", async () => {
    const { page, demo } = now
    const order = await shop.order()
    await openOrder(page, demo.url, order.id)
    await sumOf(page, "Standing").getByText("Unpaid").waitFor()
    const intent = await demo.intentOf(order.id)
    await demo.order(`payment_intents/${intent}/pay`, { payment_method: "pm_card_visa" })
    await sumOf(page, "Standing").getByText("Paid", { exact: true }).waitFor()
    assert.equal(await sumOf(page, "Left").innerText(), "$36.53")
  })

  test("is refunded in part: it is asked what is left after that, and pressing twice gives back once", async () => {
    const { page, demo } = now
    const order = await shop.paid()
    await openOrder(page, demo.url, order.id)
    await page.getByRole("button", { name: "Refund…" }).click()
    for (const typed of ["5.999", "-5", "1e2", "five", "40"]) {
      await page.getByLabel("Amount in USD").fill(typed)
      await page.getByRole("button", { name: "Go on…" }).click()
      await theDialog(page).getByRole("alert").waitFor()
    }
    await page.getByLabel("Amount in USD").fill("6.53")
    await page.getByLabel("Note for the shop").fill("scratched")
    await page.getByRole("button", { name: "Go on…" }).click()
    await page.getByText("Give back $6.53? After that $30.00 is left.").waitFor()
    assert.deepEqual(await shop.refundsOf(order.id), [])
    await page.getByRole("button", { name: "Give back $6.53" }).dblclick()
    await page.getByText("$6.53: refunded.").waitFor()
    await page.getByRole("button", { name: "Done" }).click()
    await sumOf(page, "Left").getByText("$30.00").waitFor()
    await sumOf(page, "Standing").getByText("Partly refunded").waitFor()
    await page.getByText("note: scratched").waitFor()
    assert.deepEqual(await shop.refundsOf(order.id), [653])
  })

  test("is refunded once, though the answer was lost and the page loaded anew", async () => {
    const { page, demo, watch } = now
    watch.expected = BROKEN
    const order = await shop.paid()
    await openOrder(page, demo.url, order.id)
    await page.route("**/graphql", async (route) => {
      if (!route.request().postData()?.includes("DeskRefund")) return route.continue()
      await route.fetch()
      return route.abort()
    })
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByRole("button", { name: "Go on…" }).click()
    await page.getByText("Give back $36.53? After that $0.00 is left.").waitFor()
    await page.getByRole("button", { name: "Give back $36.53" }).click()
    await until("REFUNDED", () => demo.statusOf(order.id))
    await page.reload()
    await page.getByText("A refund of $36.53 was sent, and its answer never came.").waitFor()
    await page.unroute("**/graphql") // not before: the page would have sent it again by itself, and had its answer
    await page.getByRole("button", { name: "Send it again" }).click()
    await page.getByText("$36.53: refunded.").waitFor()
    assert.deepEqual(await shop.refundsOf(order.id), [3_653])
  })

  test("is refunded once, though the answer was lost and what was sent again was refused on its way", async () => {
    const { page, demo, watch } = now
    watch.expected = [...BROKEN, /status of 403/]
    const order = await shop.paid()
    await openOrder(page, demo.url, order.id)
    let sent = 0
    await page.route("**/graphql", async (route) => {
      if (!route.request().postData()?.includes("DeskRefund")) return route.continue()
      if (sent++) return route.fulfill({ status: 403, body: "not now" })
      await route.fetch()
      return route.abort()
    })
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByLabel("Amount in USD").fill("6.53")
    await page.getByRole("button", { name: "Go on…" }).click()
    await page.getByRole("button", { name: "Give back $6.53" }).click()
    await theDialog(page).getByText("Send it again: it is given back once.").waitFor()
    assert.equal(await page.getByRole("button", { name: "Change it" }).count(), 0) // another note would be another refund
    await page.unroute("**/graphql")
    await theDialog(page).getByRole("button", { name: "Close" }).click()
    await page.getByText("A refund of $6.53 was sent, and its answer never came.").waitFor()
    await page.getByRole("button", { name: "Send it again" }).click()
    await page.getByText("$6.53: refunded.").waitFor()
    assert.deepEqual(await shop.refundsOf(order.id), [653])
  })

  test("in review is accepted, or refunded, with a reason", async () => {
    const { page, demo } = now
    for (const [button, confirm, status] of [
      ["Accept $36.53…", "Accept $36.53", "PAID"], ["Give back $36.53…", "Give back $36.53", "REFUNDED"],
    ] as const) {
      const order = await shop.inReview()
      await page.goto("about:blank")
      await page.goto(`${demo.url}/desk/?page=order&id=${order.id}`)
      const signIn = page.getByRole("button", { name: "Go on as Shopkeeper" })
      await signIn.or(page.getByRole("button", { name: button })).waitFor()
      if (await signIn.isVisible()) await signIn.click()
      await page.getByText("$36.53 is here, and the order’s total is $41.53.").waitFor()
      await page.getByRole("button", { name: button }).click()
      await page.getByRole("button", { name: confirm, exact: true }).click()
      await theDialog(page).getByText("Write why").waitFor()
      await page.getByLabel("Why, for the shop").fill("The customer was told.")
      await page.getByRole("button", { name: confirm, exact: true }).click()
      await theDialog(page).waitFor({ state: "detached" })
      await until(status, () => demo.statusOf(order.id))
      await page.getByText("Needs your decision").waitFor({ state: "detached" })
      const decided = page.locator(".timeline li").filter({ hasText: "Review:" })
      await decided.getByText("by shopkeeper · note: The customer was told.").waitFor()
    }
  })

  test("is canceled after a question", async () => {
    const { page, demo } = now
    const order = await shop.order()
    await openOrder(page, demo.url, order.id)
    await page.getByRole("button", { name: "Cancel…" }).click()
    await page.getByRole("button", { name: "Keep it" }).click()
    assert.equal(await demo.statusOf(order.id), "PENDING")
    await page.getByRole("button", { name: "Cancel…" }).click()
    await page.getByRole("button", { name: "Cancel the order" }).click()
    await sumOf(page, "Standing").getByText("Canceled").waitFor()
    await page.getByRole("definition").getByText("by the shop: shopkeeper").waitFor()
    const timeline = page.locator(".timeline li").filter({ hasText: "Order canceled" })
    await timeline.getByText("by the shop: shopkeeper").waitFor()
    assert.equal(await demo.statusOf(order.id), "CANCELED")
  })
})

describe("what needs a person", () => {
  test("stands beside what came in, went back and was disputed today, by currency", async () => {
    const { page, demo } = now
    const sums = () => page.getByRole("region", { name: "Today’s money" }).getByRole("row").filter({ has: page.getByRole("rowheader", { name: "USD" }) }).getByRole("cell")
    const shown = async () => (await sums().allInnerTexts()).map((text) => Number(text.replace(/[$,]/g, "").replace("–", "0")))
    const order = await shop.paid()
    await enter(page, demo.url)
    await sums().first().waitFor()
    const [before = 0, back = 0] = await shown()
    assert.ok(before >= 36.53)
    await demo.order("dashboard/refund", { payment_intent: order.intent, amount: 500 })
    await until("PARTIALLY_REFUNDED", () => demo.statusOf(order.id))
    await shop.disputed()
    await page.reload()
    await sums().first().waitFor()
    const after = await shown()
    assert.deepEqual(after.slice(0, 2).map((each) => each.toFixed(2)), [(before + 36.53).toFixed(2), (back + 5).toFixed(2)])
    assert.ok((after[2] ?? 0) >= 36.53)
  })

  test("today's money is today's also after the computer slept through midnight", async () => {
    const { page, demo } = now
    await page.clock.install()
    await enter(page, demo.url)
    await page.getByRole("region", { name: "Today’s money" }).waitFor()
    const begun = Date.now()
    const asked = page.waitForRequest((request) => {
      const { operationName, variables } = (request.postDataJSON() ?? {}) as { operationName?: string; variables?: { from?: string } }
      return operationName === "DeskMoneyMoved" && Date.parse(variables?.from ?? "") > begun
    })
    await page.clock.setSystemTime(begun + 86_400_000) // no timer runs in the meantime
    await page.clock.runFor(31_000)
    await asked
  })

  test("stands at home, is counted in the menu, and is closed with a note", async () => {
    const { page, demo } = now
    const order = await shop.disputed()
    await enter(page, demo.url)
    const one = page.getByRole("listitem", { name: `Dispute, order ${order.reference}` })
    await one.getByText(/^Due/).waitFor()
    await page.getByRole("navigation", { name: "Main" }).getByText("waiting").waitFor({ state: "attached" })
    await one.getByRole("button", { name: "Close…" }).click()
    await page.getByRole("button", { name: "Close the case" }).click()
    await theDialog(page).getByText("Write what was done").waitFor()
    await page.getByLabel("What was done").fill("Accepted it at Stripe.")
    await page.getByRole("button", { name: "Close the case" }).click()
    await one.waitFor({ state: "detached" })
    await page.getByRole("link", { name: "Closed" }).click()
    await page.getByText("by shopkeeper: Accepted it at Stripe.").waitFor()
  })

  test("is reached however many cases were opened since", async () => {
    const { page, demo } = now
    // Each of an event that rests: the sweep closes a case that no fact calls for.
    await demo.sql(`INSERT INTO stripe_events (id, type, object_id, created_at, attempts, due_at)
      SELECT 'evt_old_' || n, 'payment_intent.succeeded', 'pi_old', now(), 15, 'infinity' FROM generate_series(1, 230) AS n`)
    await demo.sql(`INSERT INTO attention (id, kind, subject, subject_id, message, opened_at)
      SELECT gen_random_uuid(), 'event_unfinished', 'event', 'evt_old_' || n, 'Case ' || n || '.', now() - n * interval '1 hour'
      FROM generate_series(1, 230) AS n`)
    try {
      await enter(page, demo.url)
      const seen = new Set<string>()
      const messages = page.getByText(/^Case \d+\.$/)
      for (let last = false; !last; ) {
        await until(false, async () => seen.has(await messages.first().innerText()))
        for (const text of await messages.allInnerTexts()) seen.add(text)
        last = !(await page.getByRole("link", { name: "Older" }).count())
        if (!last) await page.getByRole("link", { name: "Older" }).click()
      }
      assert.equal(seen.size, 230)
      await page.getByRole("link", { name: "Newest" }).click()
      await page.getByText("Case 1.", { exact: true }).waitFor()
    } finally {
      await demo.sql("DELETE FROM stripe_events WHERE id LIKE 'evt_old_%'")
      await demo.sql("UPDATE attention SET closed_at = now() WHERE subject_id LIKE 'evt_old_%'")
      await demo.sql("DELETE FROM attention WHERE subject_id LIKE 'evt_old_%'")
    }
  })

  test("a dispute has its date in the list of disputes", async () => {
    const { page, demo } = now
    const order = await shop.disputed()
    await enter(page, demo.url, "/desk/?page=disputes")
    const line = row(page, order.reference)
    await line.getByText(/^in \d+ days/).waitFor()
    await line.getByText("needs response").waitFor()
    await line.getByText("$36.53").waitFor()
  })
})

describe("products", () => {
  test("are added, changed and taken off sale", async () => {
    const { page, demo } = now
    await enter(page, demo.url, "/desk/?page=products")
    await page.getByRole("button", { name: "New product…" }).click()
    await theDialog(page).getByLabel("Reference").fill("BELL-9")
    await theDialog(page).getByLabel("Name").fill("Bicycle bell")
    await page.getByLabel("Price").fill("15.999")
    await page.getByRole("button", { name: "Save" }).click()
    await theDialog(page).getByText("Write a price such as").waitFor()
    await page.getByLabel("Price").fill("15.99")
    await page.getByRole("button", { name: "Save" }).click()
    await row(page, "Bicycle bell").getByText("$15.99").waitFor()
    await page.getByRole("button", { name: "Change Bicycle bell" }).click()
    await page.getByLabel("Price").fill("17")
    await page.getByRole("button", { name: "Save" }).click()
    await row(page, "Bicycle bell").getByText("$17.00").waitFor()
    await page.getByRole("button", { name: "Change Bicycle bell" }).click()
    await page.getByLabel("For sale").uncheck()
    await page.getByRole("button", { name: "Save" }).click()
    await row(page, "Bicycle bell").waitFor({ state: "detached" })
  })
})

describe("service keys", () => {
  test("are created, shown once, and revoked", async () => {
    const { page, demo } = now
    await enter(page, demo.url, "/desk/?page=keys")
    await page.getByRole("button", { name: "New key…" }).click()
    await page.getByLabel("Name").fill("warehouse")
    await page.getByLabel("Read every order").check()
    await page.getByRole("button", { name: "Create the key" }).click()
    const secret = await page.locator(".secret code").innerText()
    assert.match(secret, /^pgk_/)
    await page.keyboard.press("Escape") // by a slip it must not be gone
    await page.getByText(secret).waitFor()
    assert.ok(await demo.takes(secret))
    await page.getByRole("button", { name: "I have stored it" }).click()
    await row(page, "warehouse").getByText("valid").waitFor()
    assert.equal(await page.getByText(secret).count(), 0)
    await page.getByRole("button", { name: "Revoke warehouse" }).click()
    await page.getByRole("button", { name: "Revoke the key" }).click()
    await row(page, "warehouse").getByText("revoked").waitFor()
    await until(false, () => demo.takes(secret))
  })

  test("what a key may not do is forbidden, and no error", async () => {
    const { page, demo, watch } = now
    watch.expected = REFUSED
    const order = await shop.paid()
    await enterWith(page, demo.url, await shop.key("ORDERS_READ"))
    await page.getByText("Not for this key.").waitFor()
    await page.getByText("REFUNDS_WRITE").waitFor()
    await search(page, order.reference)
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByRole("button", { name: "Go on…" }).click()
    await page.getByRole("button", { name: "Give back $36.53" }).click()
    await theDialog(page).getByText("This key may not refund.").waitFor()
    assert.deepEqual(await shop.refundsOf(order.id), [])
    await page.keyboard.press("Escape")
    await page.getByRole("link", { name: "Service keys" }).click()
    await page.getByText("Not for this key.").waitFor()
  })
})

describe("when the network goes", () => {
  test("the page says that it is offline and how old it is, and goes on when it is back", async () => {
    const { page, demo, context, watch } = now
    watch.expected = BROKEN
    const order = await shop.order()
    await openOrder(page, demo.url, order.id)
    await context.setOffline(true)
    await page.getByText(/You are offline\. What you see is from \d/).waitFor()
    await page.getByText("2 × Bicycle bell").waitFor()
    await demo.graphql("mutation($id: ID!) { cancelOrder(orderId: $id) { __typename } }", { id: order.id })
    await context.setOffline(false)
    await sumOf(page, "Standing").getByText("Canceled").waitFor({ timeout: 30_000 })
    await page.getByText("You are offline").waitFor({ state: "detached" })
  })

  test("a server that doesn't answer is told, with the age of what is shown", async () => {
    const { page, demo, watch } = now
    watch.expected = BROKEN
    await shop.order()
    await enter(page, demo.url, "/desk/?page=orders")
    await page.locator("tbody tr").first().waitFor()
    await page.route("**/graphql", (route) => route.abort())
    await page.getByRole("link", { name: "Unpaid" }).click()
    await page.getByText(/isn’t answering; we keep trying.*What you see is from/).waitFor()
    await page.unroute("**/graphql")
    await page.locator("tbody tr").first().waitFor()
  })
})
