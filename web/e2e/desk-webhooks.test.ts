// The desk's webhook endpoints, with an endpoint of the shop's that really is called.
import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, test } from "node:test"
import type { Page } from "playwright-core"
import { until } from "./demo.ts"
import { ShopOf, enter, enterWith } from "./desk.ts"
import { Receiver, isSignedWith } from "./receiver.ts"
import { stage } from "./stage.ts"

const now = stage()
const shop = new ShopOf(() => now.demo)
let receiver: Receiver

beforeEach(async () => {
  await now.demo.sql("DELETE FROM webhook_endpoints")
  receiver = await Receiver.start()
})
afterEach(() => receiver.stop())

const REFUSED = [/status of 40[0134]/]
const title = (page: Page, name: string) => page.getByRole("heading", { level: 1, name })
const rowOf = (page: Page, text: string) => page.locator("tbody tr").filter({ hasText: text })
const view = (page: Page, name: string) => page.getByRole("navigation", { name: "Deliveries" }).getByRole("link", { name, exact: true })
const secretIn = (page: Page) => page.locator(".secret code").innerText()
const stored = (page: Page) => page.getByRole("button", { name: "I have stored it" }).click()

/** An endpoint of the receiver's, made at the desk; its secret. */
async function create(page: Page, url: string): Promise<string> {
  await page.goto(`${url}/desk/?page=webhooks`)
  await page.getByRole("button", { name: "New endpoint…" }).click()
  await page.getByLabel("Address").fill(receiver.url)
  await page.getByRole("button", { name: "Create the endpoint" }).click()
  const secret = await secretIn(page)
  await stored(page)
  return secret
}

async function createAndOpen(page: Page, url: string): Promise<string> {
  const secret = await create(page, url)
  await page.getByRole("link", { name: receiver.url }).click()
  await title(page, "Webhook endpoint").waitFor()
  return secret
}

describe("an endpoint", () => {
  test("is created with the events that it is sent, and its secret is shown once", async () => {
    const { page, demo } = now
    await enter(page, demo.url, "/desk/?page=webhooks")
    await page.getByText("No address is sent events yet.").waitFor()
    await page.getByRole("button", { name: "New endpoint…" }).click()
    await page.getByRole("button", { name: "Create the endpoint" }).click()
    await page.getByRole("alert").getByText("Write the address").waitFor()
    await page.getByLabel("Address").fill("http://shop.example/hook")
    for (const label of ["Order updated", "Attention needed"]) await page.getByLabel(label).uncheck()
    await page.getByRole("button", { name: "Create the endpoint" }).click()
    await page.getByRole("alert").getByText("An address begins with https://").waitFor()
    await page.getByLabel("Address").fill(receiver.url)
    await page.getByRole("button", { name: "Create the endpoint" }).click()
    const secret = await secretIn(page)
    assert.match(secret, /^whsec_/)
    await page.keyboard.press("Escape") // by a slip it must not be gone
    await page.getByText(secret).waitFor()
    await stored(page)
    const row = rowOf(page, receiver.url)
    await row.getByText("enabled").waitFor()
    await row.getByText("Order paid, Order canceled").waitFor()
    assert.doesNotMatch(await row.innerText(), /Order updated|Attention needed/)
    assert.equal(await page.getByText(secret).count(), 0)
    await shop.paid()
    await until(true, () => receiver.received.some(({ type }) => type === "order.paid"))
    const [first] = receiver.received
    assert.ok(first && isSignedWith(secret, first), "it is not signed with the secret that was shown")
  })

  test("is given a new secret, which signs beside the one of before", async () => {
    const { page, demo } = now
    await enter(page, demo.url)
    const before = await createAndOpen(page, demo.url)
    await page.getByRole("button", { name: "New secret…" }).click()
    await page.getByRole("button", { name: "Keep the old one" }).click()
    await page.getByRole("button", { name: "New secret…" }).click()
    await page.getByRole("button", { name: "Make a new secret" }).click()
    const after = await secretIn(page)
    assert.notEqual(after, before)
    await stored(page)
    await shop.paid()
    await until(true, () => receiver.received.length > 0)
    const [message] = receiver.received
    for (const secret of [before, after]) assert.ok(message && isSignedWith(secret, message))
  })

  test("that fails says since when and what it answered; once it is repaired, what it missed is sent again", async () => {
    const { page, demo } = now
    receiver.status = 500
    await enter(page, demo.url)
    await create(page, demo.url)
    const order = await shop.paid()
    await until(true, () => receiver.received.length > 0)
    await page.reload()
    await rowOf(page, receiver.url).getByText(/^since/).waitFor()
    await page.getByRole("link", { name: "Home" }).click()
    await page.getByRole("status").getByText("A webhook endpoint takes no events.").waitFor()
    await page.getByRole("link", { name: receiver.url }).click()
    const failed = rowOf(page, "Order paid").filter({ hasText: order.reference })
    await failed.getByText("it answered 500").waitFor()
    await failed.getByText("due").waitFor()
    await failed.getByRole("link", { name: order.reference }).click()
    const told = page.locator(".timeline li").filter({ hasText: "Webhook: order paid" })
    await told.getByText("it answered 500").waitFor()
    await told.getByRole("link", { name: receiver.url }).click()
    await view(page, "Delivered").click()
    await page.getByText("No delivery is delivered.").waitFor()
    assert.match(page.url(), /status=delivered/)
    await view(page, "Due").click()
    await failed.waitFor()

    await page.getByRole("button", { name: "Disable…" }).click()
    await page.getByRole("button", { name: "Disable it" }).click()
    await page.getByText("Disabled: It was switched off").waitFor()
    await view(page, "Given up").click()
    await failed.getByText("given up").waitFor()
    assert.equal(await page.getByRole("button", { name: "Send again…" }).count(), 0)

    receiver.status = 204
    receiver.received.length = 0
    await page.getByRole("button", { name: "Enable…" }).click()
    await page.getByRole("button", { name: "Enable it" }).click()
    await failed.getByRole("button", { name: "Send again from Order paid on" }).click()
    await page.getByRole("button", { name: "Send them again" }).click()
    await until(true, () => receiver.received.some(({ type }) => type === "order.paid"))
    await view(page, "Delivered").click()
    await failed.getByText("answered 204").waitFor()
    await failed.getByRole("link", { name: order.reference }).click()
    await title(page, `Order ${order.reference}`).waitFor()
  })

  test("is sent again what happened since a moment that one chooses", async () => {
    const { page, demo } = now
    await enter(page, demo.url)
    await createAndOpen(page, demo.url)
    await shop.paid()
    await until(true, () => receiver.received.some(({ type }) => type === "order.paid"))
    const ids = () => receiver.received.filter(({ type }) => type === "order.paid").map(({ headers }) => headers["webhook-id"])
    await page.getByRole("button", { name: "Send again…" }).click()
    await page.getByLabel("Since").fill("")
    await page.getByRole("button", { name: "Send them again" }).click()
    await page.getByRole("alert").getByText("Choose since when").waitFor()
    await page.getByLabel("Since").fill("2026-01-01T00:00")
    await page.getByRole("button", { name: "Send them again" }).click()
    await page.getByRole("dialog").waitFor({ state: "detached" })
    await until(true, () => ids().length > new Set(ids()).size)
  })

  test("lists its deliveries page by page, each once, also those of one status", async () => {
    const { page, demo } = now
    await enter(page, demo.url)
    await createAndOpen(page, demo.url)
    await demo.sql(`
      WITH made AS (
        INSERT INTO shop_events (id, type, order_id, subject_id, transaction_id, position, created_at, published_at)
        SELECT gen_random_uuid(), 'order_updated', NULL, 'page', n, 1000000 + n, now() - n * interval '1 minute', now()
        FROM generate_series(1, 45) AS n RETURNING id, created_at
      )
      INSERT INTO webhook_deliveries (id, endpoint_id, event_id, status, attempts, delivered_at, began_at, last_http_status)
      SELECT gen_random_uuid(), (SELECT id FROM webhook_endpoints), id, 'delivered', 1, now(), created_at, 200 FROM made`)
    await view(page, "Delivered").click()
    const times = page.locator("tbody tr td.date time")
    const seen: string[] = []
    for (const count of [20, 20, 5]) {
      await until(count, () => times.count())
      await until(false, async () => seen.includes((await times.first().getAttribute("datetime")) ?? ""))
      seen.push(...(await times.evaluateAll((all) => all.map((each) => each.getAttribute("datetime") ?? ""))))
      if (count === 20) await page.getByRole("link", { name: "Older" }).click()
    }
    assert.equal(new Set(seen).size, 45)
    await page.getByRole("link", { name: "Newest" }).click()
    await until(20, () => times.count())
    await page.reload()
    await until(20, () => times.count())
  })

  test("that is not there any more says so", async () => {
    const { page, demo } = now
    await enter(page, demo.url, "/desk/?page=endpoint&id=00000000-0000-0000-0000-000000000001")
    await page.getByText("There is no such endpoint any more.").waitFor()
  })
})

describe("with a service key", () => {
  test("for webhooks alone deliveries are shown by the order's short number", async () => {
    const { page, demo, watch } = now
    watch.expected = REFUSED // cases are not for this key
    await enterWith(page, demo.url, await shop.key("WEBHOOKS_WRITE"))
    await page.getByRole("navigation", { name: "Main" }).waitFor()
    await createAndOpen(page, demo.url)
    const order = await shop.paid()
    const delivered = "SELECT count(*) FROM webhook_deliveries JOIN shop_events ON shop_events.id = event_id WHERE type = 'order_paid' AND status = 'delivered'"
    await until("[[1]]", async () => JSON.stringify(await demo.sql(delivered))) // what the desk misses it asks for again after 15 seconds
    await view(page, "Delivered").click()
    await rowOf(page, "Order paid").getByRole("link", { name: order.id.slice(0, 8).toUpperCase() }).waitFor()
  })

  test("for something else nothing is shown, and nothing can be done", async () => {
    const { page, demo, watch } = now
    watch.expected = REFUSED
    await enterWith(page, demo.url, await shop.key("ORDERS_READ"))
    await page.getByRole("link", { name: "Webhooks" }).click()
    await page.getByText("Not for this key.").waitFor()
    await page.getByText("WEBHOOKS_WRITE").waitFor()
    await page.getByRole("button", { name: "New endpoint…" }).click()
    await page.getByLabel("Address").fill(receiver.url)
    await page.getByRole("button", { name: "Create the endpoint" }).click()
    await page.getByRole("dialog").getByText("This key may not change webhook endpoints.").waitFor()
    assert.deepEqual(await demo.sql("SELECT 1 FROM webhook_endpoints"), [])
  })
})
