import assert from "node:assert/strict"
import { after, afterEach, before, beforeEach, test } from "node:test"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { type Watch, faultsByAxe, launch, open } from "./browser.ts"
import { Demo, sleep, until } from "./demo.ts"
import { slow4G } from "./slow.ts"

const BROKEN = [/ERR_FAILED|ERR_CONNECTION|ERR_EMPTY_RESPONSE|WebSocket connection/]

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
  await page.getByLabel("Send as").selectOption("Nobody")
  await execute()
  await answer().getByText("UNAUTHENTICATED").waitFor()
})

test("follows nothing with a token in the headers that has ended", async () => {
  const token = await demo.tokenFor("ada", 0)
  await until(false, () => demo.takes(token))
  await show("FollowOrder")
  await page.getByRole("button", { name: "Headers", exact: true }).click()
  await page.locator(".graphiql-editor:not(.hidden) .monaco-editor").last().click()
  await page.keyboard.press("ControlOrMeta+A")
  await page.keyboard.type(`{"Authorization": "Bearer ${token}"`, { delay: 2 }) // the editor closes the brace
  await sleep(500) // GraphiQL notes the headers a moment later
  await execute()
  await answer().getByText("UNAUTHENTICATED").waitFor() // not as the speaker that is chosen, whose token is good
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

test("goes on following an order when the server was restarted, and says what it is doing meanwhile", async () => {
  watch.expected = BROKEN
  await run("FollowOrder")
  await answer().getByText('"PENDING"').waitFor()
  const [orderId] = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(await answer().innerText()) ?? []
  assert.ok(orderId)
  await demo.down()
  await answer().getByText("The connection to the server was lost. Trying again…").waitFor()
  await demo.up()
  await answer().getByText('"PENDING"').waitFor({ timeout: 60_000 })
  await demo.order(`payment_intents/${await demo.intentOf(orderId)}/pay`, { payment_method: "pm_card_visa" })
  await answer().getByText('"PAID"').waitFor()
})

test("says in words that the server isn't answering", async () => {
  watch.expected = BROKEN
  await show("ListProducts")
  await page.route("**/graphql", (route) => route.abort())
  await execute()
  await answer().getByText("The server isn’t answering").waitFor()
  assert.doesNotMatch(await answer().innerText(), /isTrusted|stack/)
  await page.unroute("**/graphql")
  await page.route("**/graphql", (route) => route.fulfill({ status: 502, contentType: "text/html", body: "<h1>Bad gateway</h1>" }))
  watch.expected.push(/status of 502/)
  await execute()
  await answer().getByText("The server answered with status 502 and no GraphQL").waitFor()
})

test("keeps what was edited, and what was sent in its history, through a reload", async () => {
  await show("MyOrders")
  await editor().locator(".monaco-editor").first().click()
  await page.keyboard.press("ControlOrMeta+A")
  await page.keyboard.type("query Edited { me { id } }", { delay: 5 })
  await page.getByRole("tab", { name: "Edited" }).waitFor()
  await execute()
  await answer().getByText('"ada"').waitFor()
  await sleep(800) // GraphiQL writes what it keeps half a second later
  await page.reload()
  await editor().getByText("Edited").first().waitFor()
  await page.getByLabel("Show History").click()
  await page.locator(".graphiql-history").getByText("Edited").first().waitFor()
})

test("keeps headers only when it is asked to", async () => {
  const writeHeader = async () => {
    await page.getByRole("button", { name: "Headers", exact: true }).click()
    await page.locator(".graphiql-editor:not(.hidden) .monaco-editor").last().click()
    await page.keyboard.press("ControlOrMeta+A")
    await page.keyboard.type('{"X-Mine": "kept-header"', { delay: 5 })
    await sleep(800)
  }
  const kept = () => page.evaluate(() => JSON.stringify({ ...localStorage }).includes("kept-header"))
  await writeHeader()
  assert.equal(await kept(), false)
  await page.getByLabel("Open settings dialog").click()
  await page.getByRole("button", { name: "On", exact: true }).click()
  await page.keyboard.press("Escape")
  await until(true, kept)
})

test("opens an example for each mutation and sends it as whoever may do it", async () => {
  await page.getByLabel("Show Examples").click()
  const panel = page.locator(".examples")
  for (const name of ["CancelOrder", "ImportOrder", "RefundOrder", "CreateCheckoutToken"]) await panel.getByRole("button", { name: new RegExp(`^${name}`) }).waitFor()
  await panel.getByRole("button", { name: /^ImportOrder/ }).click()
  await editor().getByText("ImportOrder").first().waitFor()
  await sleep(500)
  await execute()
  await answer().getByText('"reference"').waitFor()
  assert.equal(await page.getByLabel("Send as").inputValue(), "shopkeeper")
})

test("can be used on a phone: the answer is as wide as the screen", async () => {
  await page.setViewportSize({ width: 390, height: 844 })
  await page.reload()
  await editor().getByText("ListProducts").waitFor()
  await show("ListProducts")
  await execute()
  await answer().getByText("Stoneware mug").waitFor()
  const { width } = (await answer().boundingBox()) ?? { width: 0 }
  assert.ok(width > 300, `${width} px`)
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing scrolls sideways")
  await page.getByLabel("Show Examples").click()
  await page.getByRole("heading", { name: "Examples" }).waitFor()
})

test("is there after a quarter of the 5.3 MB that it once loaded", async () => {
  const { page: fresh, context: other } = await open(browser)
  const cdp = await slow4G(fresh)
  let bytes = 0
  cdp.on("Network.loadingFinished", ({ encodedDataLength }) => void (bytes += encodedDataLength))
  const started = performance.now()
  await fresh.goto(`${demo.url}/explorer/`)
  await fresh.locator(".graphiql-query-editor .view-line").first().waitFor({ timeout: 60_000 })
  const seconds = (performance.now() - started) / 1000
  const first = bytes
  await fresh.getByRole("button", { name: /^Execute query/ }).click()
  await fresh.locator(".result-window").getByText("Stoneware mug").waitFor({ timeout: 60_000 })
  console.log(`# explorer: ${(first / 1000).toFixed(0)} kB and ${seconds.toFixed(1)} s to the editor, ${((performance.now() - started) / 1000).toFixed(1)} s to the first answer`)
  await other.close()
  assert.ok(first <= 1_300_000, `${first} bytes`)
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
