// What a shop has before its people sit down at the desk: orders of its own system, paid or not, with and without trouble.
import type { Page } from "playwright-core"
import { type Demo, until } from "./demo.ts"

const LINES = [
  { kind: "PRODUCT", reference: "BELL-1", name: "Bicycle bell", quantity: 2, unitAmount: 1_500 },
  { kind: "SHIPPING", name: "Parcel", quantity: 1, unitAmount: 490 },
  { kind: "TAX", name: "VAT 19 %", quantity: 1, unitAmount: 663 },
  { kind: "DISCOUNT", name: "Voucher HELLO", quantity: 1, unitAmount: 500 },
]

interface Wanted {
  reference?: string
  [field: string]: unknown
}

export class ShopOf {
  #count = 1_000

  constructor(readonly demo: () => Demo) {}

  /** An order of 36.53 USD that the shop's own system brought in. */
  async order({ reference = `A-${++this.#count}`, ...more }: Wanted = {}): Promise<{ id: string; reference: string }> {
    const { importOrder } = await this.demo().graphql<{ importOrder: { id: string } }>(
      "mutation($input: ImportOrderInput!) { importOrder(input: $input) { ... on Order { id } ... on UserError { message } } }",
      { input: { reference, userId: "ada", receiptEmail: `ada+${reference.slice(0, 30)}@shop.example`, currency: "USD", lines: LINES, total: 3_653, ...more } },
      "merchant",
    )
    return { id: importOrder.id, reference }
  }

  async paid(card = "pm_card_visa", more: Wanted = {}) {
    const order = await this.order(more)
    const intent = await this.#pay(order.id, card)
    await until("PAID", () => this.demo().statusOf(order.id))
    return { ...order, intent }
  }

  /** Its price was changed in the database while the customer paid the old one. */
  async inReview() {
    const order = await this.order()
    const intent = await this.demo().intentOf(order.id)
    await this.demo().sql(`UPDATE order_items SET unit_amount = unit_amount + 500 WHERE order_id = '${order.id}' AND kind = 'shipping'`)
    await this.demo().order(`payment_intents/${intent}/pay`, { payment_method: "pm_card_visa" })
    await until("REVIEW", () => this.demo().statusOf(order.id))
    return { ...order, intent }
  }

  /** 36.53 came by an earlier attempt, when that was its price, and then its price of now. */
  async paidTwiceInReview() {
    const order = await this.order()
    const early = await this.demo().intentOf(order.id)
    await this.demo().sql(`UPDATE payments SET state = 'abandoned' WHERE order_id = '${order.id}'`)
    await this.demo().sql(`UPDATE order_items SET unit_amount = unit_amount + 500 WHERE order_id = '${order.id}' AND kind = 'shipping'`)
    const late = await this.demo().intentOf(order.id)
    await this.demo().order(`payment_intents/${early}/pay`, { payment_method: "pm_card_visa" })
    await until("REVIEW", () => this.demo().statusOf(order.id))
    await this.demo().order(`payment_intents/${late}/pay`, { payment_method: "pm_card_visa" })
    await until(2, async () => (await this.demo().sql(`SELECT 1 FROM payments WHERE order_id = '${order.id}' AND disposition = 'mismatch'`)).length)
    return order
  }

  /** A bank takes so many minor units of what the order received. */
  async loses({ id, intent }: { id: string; intent: string }, amount: number): Promise<void> {
    await this.demo().order("dashboard/dispute", { payment_intent: intent, amount })
    const disputes = () => this.demo().sql<[string, string]>(`SELECT disputes.id, status FROM disputes JOIN payments p ON p.id = payment_id WHERE p.order_id = '${id}'`)
    await until(1, async () => (await disputes()).length)
    await this.demo().order(`disputes/${(await disputes())[0]?.[0]}/move`, { status: "lost" })
    await until("lost", async () => (await disputes())[0]?.[1])
  }

  async withTheBank() {
    const order = await this.order()
    const intent = await this.#pay(order.id, "pm_card_sandboxProcessing")
    await until("processing", async () => (await this.demo().sql<[string]>(`SELECT state FROM payments WHERE order_id = '${order.id}'`))[0]?.[0])
    return { ...order, intent }
  }

  async disputed() {
    const order = await this.paid("pm_card_createDispute")
    await until(1, async () => (await this.demo().sql(`SELECT 1 FROM disputes JOIN payments p ON p.id = payment_id WHERE p.order_id = '${order.id}'`)).length)
    return order
  }

  async #pay(order: string, card: string): Promise<string> {
    const intent = await this.demo().intentOf(order)
    await this.demo().order(`payment_intents/${intent}/pay`, { payment_method: card })
    return intent
  }

  /** A service key's secret. */
  async key(...scopes: string[]): Promise<string> {
    const { createServiceKey } = await this.demo().graphql<{ createServiceKey: { secret: string } }>(
      "mutation($input: CreateServiceKeyInput!) { createServiceKey(input: $input) { ... on NewServiceKey { secret } } }",
      { input: { name: "test", scopes } }, "merchant",
    )
    return createServiceKey.secret
  }

  /** An endpoint that is sent everything; its id. */
  async endpoint(url: string): Promise<string> {
    const { createWebhookEndpoint } = await this.demo().graphql<{ createWebhookEndpoint: { endpoint: { id: string } } }>(
      "mutation($input: CreateWebhookEndpointInput!) { createWebhookEndpoint(input: $input) { ... on NewWebhookEndpoint { endpoint { id } } } }",
      { input: { url } }, "merchant",
    )
    return createWebhookEndpoint.endpoint.id
  }

  /** The minor units of each refund of the order's that was not refused. */
  async refundsOf(order: string): Promise<number[]> {
    const rows = await this.demo().sql<[number]>(
      `SELECT refunds.amount FROM refunds JOIN payments p ON p.id = payment_id WHERE p.order_id = '${order}' AND refunds.state NOT IN ('failed', 'canceled') ORDER BY 1`,
    )
    return rows.map(([amount]) => amount)
  }
}

export async function enter(page: Page, url: string, address = "/desk/"): Promise<void> {
  await page.goto(`${url}${address}`)
  await page.getByRole("button", { name: "Go on as Shopkeeper" }).click()
  await page.getByRole("navigation", { name: "Main" }).waitFor()
}

export async function enterWith(page: Page, url: string, token: string): Promise<void> {
  await page.goto(`${url}/desk/`)
  await page.getByLabel("A merchant’s token, or a service key").fill(token)
  await page.getByRole("button", { name: "Sign in" }).click()
}

export const openOrder = async (page: Page, url: string, order: string): Promise<void> => {
  await enter(page, url, `/desk/?page=order&id=${order}`)
  await page.getByRole("heading", { name: "What happened" }).waitFor()
}

export const search = async (page: Page, text: string): Promise<void> => {
  await page.getByRole("searchbox").fill(text)
  await page.keyboard.press("Enter")
}

/** What stands in the order's row of sums. */
export const sumOf = (page: Page, name: string) => page.locator(".sums > div").filter({ has: page.getByText(name, { exact: true }) }).locator("dd")
