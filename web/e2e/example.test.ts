// examples/connected-shop in a browser: a payment page on another origin than Paygraph's, under a policy of its own.
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { readFile } from "node:fs/promises"
import { join, resolve } from "node:path"
import { after, describe, test } from "node:test"
import { freePorts, sleep } from "./demo.ts"
import { pay, payButton } from "./shop.ts"
import { stage } from "./stage.ts"

const FOLDER = resolve(import.meta.dirname, "../../examples/connected-shop") // npm ci --ignore-scripts, once
const SCOPES = "ORDERS_READ,ORDERS_WRITE,REFUNDS_WRITE,EVENTS_READ,WEBHOOKS_WRITE"
let url = ""
let shop: ChildProcess | undefined
const now = stage({}, {
  async settings() {
    url = `http://127.0.0.1:${await freePorts()}`
    return { CORS_ORIGINS: url }
  },
  async begin(demo) {
    const settings = await readFile(join(demo.data, "demo.env"), "utf8")
    const env = {
      PATH: process.env.PATH,
      PAYGRAPH_URL: demo.url,
      PAYGRAPH_KEY: await demo.command("key", "--name", "shop", "--scopes", SCOPES),
      DATABASE_URL: /^DATABASE_URL=(.*)$/m.exec(settings)?.[1]?.replace("/postgres?", "/connected_shop?"),
      STRIPE_JS: `${demo.sandbox}/v3/stripe.js`,
      PORT: new URL(url).port,
      SHOP_URL: url,
    }
    shop = spawn(process.execPath, ["server.js"], { cwd: FOLDER, env, stdio: ["ignore", "ignore", "inherit"] })
    for (const end = Date.now() + 60_000; Date.now() < end && shop.exitCode === null; await sleep(100)) {
      if ((await fetch(url).catch(() => null))?.ok) return
    }
    throw new Error(`${FOLDER} did not start: is it installed? npm ci --ignore-scripts`)
  },
})
after(() => shop?.kill())

/** A guest orders a lamp and goes to pay; the address of the order. */
async function goToPay(): Promise<string> {
  const { page } = now
  await page.goto(url)
  await page.getByLabel("How many: Desk lamp").fill("1")
  await page.getByLabel("E-mail").fill("guest@shop.test")
  await page.getByLabel("Voucher").fill("welcome")
  await page.getByRole("button", { name: "Order" }).click()
  await page.getByRole("link", { name: "Pay" }).waitFor()
  const order = page.url()
  await page.getByRole("link", { name: "Pay" }).click()
  await page.getByLabel("Card number").waitFor()
  return order
}

describe("a guest of the connected shop", () => {
  test("pays, and the client secret leaves the address bar", async () => {
    const order = await goToPay()
    await payButton(now.page).getByText("101.15 EUR").waitFor() // 89.00 − 8.90 + 4.90, and 19 %
    await pay(now.page, "4242424242424242")
    await now.page.getByText("Paid. Thank you!").waitFor()
    assert.equal(now.page.url(), `${order}?from=bank`)
  })

  test("comes back from 3-D Secure", async () => {
    await goToPay()
    await pay(now.page, "4000000000003220")
    await now.page.getByRole("button", { name: "Approve" }).click()
    await now.page.getByText("Paid. Thank you!").waitFor()
  })

  test("pays with another card after a refusal, by the card or by its bank", async () => {
    const { page, watch } = now
    watch.expected = [/status of 402/]
    await goToPay()
    await pay(page, "4000000000000002")
    await page.getByRole("alert").getByText("Your card was declined.").waitFor()
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Refuse" }).click()
    await page.getByText("Your bank did not approve the payment.").waitFor()
    await page.getByRole("link", { name: "Pay" }).click()
    await pay(page, "4242424242424242")
    await page.getByText("Paid. Thank you!").waitFor()
  })

  test("who changes shipping in another tab pays the new total or nothing", async () => {
    const { page, context } = now
    const order = await goToPay()
    const other = await context.newPage()
    await other.goto(order)
    await other.locator("select").selectOption("express")
    await other.getByRole("button", { name: "Change shipping" }).click()
    await other.getByText("110.67 EUR").waitFor()
    await pay(page, "4242424242424242")
    await page.getByText("Your order was changed meanwhile").waitFor()
    await payButton(page).getByText("110.67 EUR").waitFor()
    await pay(page, "4242424242424242")
    await page.getByText("Paid. Thank you!").waitFor()
  })
})
