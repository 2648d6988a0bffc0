import assert from "node:assert/strict"
import { after, afterEach, before, beforeEach, test } from "node:test"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { type Watch, faultsByAxe, launch, open } from "./browser.ts"
import { Demo, sleep } from "./demo.ts"

let demo: Demo
let browser: Browser
let context: BrowserContext
let page: Page
let watch: Watch

before(async () => {
  ;[demo, browser] = await Promise.all([Demo.start(), launch()])
})
after(async () => {
  await browser?.close()
  await demo?.stop()
})
beforeEach(async () => {
  ;({ context, page, watch } = await open(browser, { viewport: { width: 1440, height: 900 } }))
  await page.goto(`${demo.url}/explorer/`)
  await editor().getByText("ListProducts").waitFor()
})
afterEach(async () => {
  await context.close()
  assert.deepEqual(watch.problems, [])
})

async function run(tab: string): Promise<void> {
  await show(tab)
  await execute()
}

async function show(tab: string): Promise<void> {
  await page.getByRole("tab", { name: tab }).click()
  await editor().getByText(tab).first().waitFor()
  await sleep(500) // GraphiQL notes the tab's operation a moment after it shows it
}

const execute = () => page.getByRole("button", { name: /^Execute query/ }).click()

const editor = () => page.locator(".graphiql-query-editor")
const answer = () => page.locator(".result-window")

test("runs a query", async () => {
  await run("ListProducts")
  await answer().getByText("Stoneware mug").waitFor()
})

test("runs mutations with the demo's token and examples that work as they are", async () => {
  await run("CreateOrder")
  await answer().getByText('"PENDING"').waitFor()
  await run("CreatePaymentIntent")
  await answer().getByText("REQUIRES_PAYMENT_METHOD").waitFor()
  await run("MyOrders")
  await answer().getByText('"ada"').waitFor()
  await run("PaymentConfig")
  await answer().getByText("publishableKey").waitFor()
})

test("follows an order until it is paid", async () => {
  await run("FollowOrder")
  await answer().getByText('"PENDING"').waitFor()
  const [orderId] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(await answer().innerText()) ?? []
  assert.ok(orderId)

  await demo.order(`payment_intents/${await demo.intentOf(orderId)}/pay`, { payment_method: "pm_card_visa" })
  await answer().getByText('"PAID"').waitFor()
  await answer().getByText('"SUCCEEDED"').waitFor()
  assert.match(await answer().innerText(), new RegExp(orderId))
  await page.getByRole("button", { name: /^Stop query/ }).click()
})

test("follows nothing without a token", async () => {
  await show("FollowOrder")
  await page.getByRole("button", { name: "Headers", exact: true }).click()
  await page.locator(".graphiql-editor:not(.hidden) .monaco-editor").last().click()
  await page.keyboard.press("ControlOrMeta+A")
  await page.keyboard.press("Delete")
  await execute()
  await answer().getByText("UNAUTHENTICATED").waitFor()
})

test("offers the schema to click together, and its documentation", async () => {
  await page.getByLabel("Show Documentation Explorer").click()
  await page.locator(".graphiql-doc-explorer").getByText("Root Types").first().waitFor()
  await page.getByLabel("Show GraphiQL Explorer").click()
  await page.locator(".docExplorerWrap").getByText("paymentConfig").first().waitFor()
})

test("keeps no token in the browser", async () => {
  await run("MyOrders")
  await answer().getByText('"ada"').waitFor()
  const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))
  assert.doesNotMatch(kept, /Bearer|eyJ/)
})

for (const colorScheme of ["light", "dark"] as const) {
  test(`has nothing serious for axe to find in ${colorScheme}, but for what is GraphiQL's own`, async () => {
    await page.emulateMedia({ colorScheme })
    await page.reload()
    await editor().getByText("ListProducts").waitFor()
    await run("ListProducts")
    await answer().getByText("Stoneware mug").waitFor()
    // Close buttons inside the tabs, the editor's syntax colours, and the explorer plugin's fields without labels.
    const parts = [".view-lines", ".docExplorerWrap"]
    assert.deepEqual(await faultsByAxe(page, { rules: ["nested-interactive"], parts }), [])
  })
}
