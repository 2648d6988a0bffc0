// What a shopkeeper does most, from the desk's first page to its end: how many clicks that takes. The seconds are printed
// and not judged: they are this machine's, without the time in which people read and think.
import assert from "node:assert/strict"
import { after, afterEach, before, describe, test } from "node:test"
import type { Locator, Page } from "playwright-core"
import { until } from "./demo.ts"
import { ShopOf, enter, sumOf } from "./desk.ts"
import { Receiver } from "./receiver.ts"
import { stage } from "./stage.ts"

const now = stage({ permissions: ["clipboard-read", "clipboard-write"] })
const shop = new ShopOf(() => now.demo)

/** Does what hands do, and counts it. */
class Hands {
  clicks = 0
  texts = 0
  readonly #began = performance.now()

  constructor(readonly page: Page) {}

  async click(target: Locator): Promise<void> {
    await target.click()
    this.clicks += 1
  }

  button = (name: string | RegExp): Promise<void> => this.click(this.page.getByRole("button", { name, exact: typeof name === "string" }))

  link = (name: string): Promise<void> => this.click(this.page.getByRole("link", { name, exact: true }))

  menu = (name: string): Promise<void> => this.click(this.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name }))

  async type(target: Locator, text: string): Promise<void> {
    await target.fill(text)
    this.texts += 1
  }

  /** Into the search, and Enter. */
  async search(text: string): Promise<void> {
    const box = this.page.getByRole("searchbox")
    await this.click(box)
    await this.type(box, text)
    await this.page.keyboard.press("Enter")
  }

  get seconds() {
    return (performance.now() - this.#began) / 1000
  }
}

const measured: string[] = []

/** From Home, signed in, once what the task is about is there: with `most` clicks and `texts` typed texts at most. */
function task<T>(name: string, [most, texts]: [clicks: number, texts: number], prepare: () => Promise<T>, work: (hands: Hands, about: T) => Promise<void>): void {
  test(`${name}: ${most} clicks`, async () => {
    const about = await prepare()
    await enter(now.page, now.demo.url)
    await now.page.getByText("Reading the cases…").waitFor({ state: "detached" })
    const hands = new Hands(now.page)
    await work(hands, about)
    measured.push(`| ${name} | ${hands.clicks} | ${hands.texts} | ${hands.seconds.toFixed(1)} |`)
    assert.ok(hands.clicks <= most, `${hands.clicks} clicks`)
    assert.ok(hands.texts <= texts, `${hands.texts} texts`)
  })
}

describe("from Home", () => {
  let receiver: Receiver
  before(async () => {
    receiver = await Receiver.start()
    await shop.endpoint(receiver.url)
  })
  after(() => {
    receiver.stop()
    console.log(["# | task | clicks | texts typed | seconds |", ...measured.map((line) => `# ${line}`)].join("\n"))
  })
  afterEach(() => {
    receiver.status = 204
  })

  const nothing = () => Promise.resolve()
  const paid = () => shop.paid()

  /** A paid order whose event the endpoint refused. */
  async function refused() {
    receiver.status = 500
    const order = await shop.paid()
    await until(true, () => receiver.received.some(({ body }) => body.includes(order.id)))
    receiver.received.length = 0
    return order
  }

  task("find an order by its customer’s e-mail", [2, 1], paid, async (hands, { reference }) => {
    await hands.search(`ada+${reference}@shop.example`)
    await hands.link(reference)
    await sumOf(hands.page, "Received").getByText("$36.53").waitFor()
  })

  task("give back a part of an order", [4, 2], paid, async (hands, { id, reference }) => {
    await hands.search(reference)
    await hands.button("Refund…")
    await hands.type(hands.page.getByLabel("Amount in USD"), "6.53")
    await hands.button("Go on…")
    await hands.button("Give back $6.53")
    await hands.page.getByText("$6.53: refunded.").waitFor()
    assert.deepEqual(await shop.refundsOf(id), [653])
  })

  task("settle a review", [3, 1], () => shop.inReview(), async (hands) => {
    await hands.link("Decide")
    await hands.button("Accept $36.53…")
    await hands.type(hands.page.getByLabel("Why, for the shop"), "The customer was told.")
    await hands.button("Accept $36.53")
    await sumOf(hands.page, "Standing").getByText("Paid").waitFor()
  })

  task("see why a delivery failed", [1, 0], refused, async (hands) => {
    await hands.link(receiver.url)
    await hands.page.getByText(/it answered 500/).first().waitFor()
  })

  task("send it again", [3, 0], refused, async (hands, { id }) => {
    receiver.status = 204
    await hands.link(receiver.url)
    await hands.button("Send again…")
    await hands.button("Send them again")
    await until(true, () => receiver.received.some(({ body }) => body.includes(id)))
  })

  task("make a new webhook secret and copy it", [6, 0], nothing, async (hands) => {
    await hands.menu("Webhooks")
    await hands.link(receiver.url)
    await hands.button("New secret…")
    await hands.button("Make a new secret")
    await hands.button("Copy the secret")
    await hands.page.getByText("Copied").waitFor()
    await hands.button("I have stored it")
  })

  task("revoke a key", [3, 0], () => shop.key("ORDERS_READ"), async (hands) => {
    await hands.menu("Service keys")
    await hands.button("Revoke test")
    await hands.button("Revoke the key")
    await hands.page.getByText("revoked", { exact: true }).waitFor()
  })

  task("say who disputed, how much and why", [1, 0], () => shop.disputed(), async (hands, { reference }) => {
    await hands.menu("Disputes")
    const line = hands.page.locator("tbody tr").filter({ hasText: `ada+${reference}@shop.example` })
    for (const text of ["$36.53", "fraudulent"]) await line.getByText(text).waitFor()
  })

  task("write the orders as CSV", [2, 0], paid, async (hands) => {
    await hands.menu("Orders")
    const [download] = await Promise.all([hands.page.waitForEvent("download"), hands.button("CSV")])
    assert.match(download.suggestedFilename(), /\.csv$/)
  })

  task("cancel an order", [3, 1], () => shop.order(), async (hands, { reference }) => {
    await hands.search(reference)
    await hands.button("Cancel…")
    await hands.button("Cancel the order")
    await sumOf(hands.page, "Standing").getByText("Canceled").waitFor()
  })
})
