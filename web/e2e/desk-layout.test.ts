// The desk by keyboard, on a phone, in both themes, with long names, and over a slow network.
import assert from "node:assert/strict"
import { before, describe, test } from "node:test"
import type { Page } from "playwright-core"
import { answer, faultsByAxe } from "./browser.ts"
import { until } from "./demo.ts"
import { ShopOf, enter, openOrder } from "./desk.ts"
import { slow4G } from "./slow.ts"
import { stage } from "./stage.ts"

const now = stage()
const shop = new ShopOf(() => now.demo)
const PHONE = { width: 390, height: 844 }
const LONG = "Supercalifragilisticexpialidocious".repeat(8).slice(0, 240)

describe("the desk", () => {
  let endpoint = ""
  const orders = {} as Record<"paid" | "review" | "disputed" | "long", { id: string; reference: string }>
  before(async () => {
    endpoint = await shop.endpoint(`http://127.0.0.1:9/${LONG}`) // nobody listens there
    orders.paid = await shop.paid()
    orders.review = await shop.inReview()
    orders.disputed = await shop.disputed()
    const lines = [{ kind: "PRODUCT", name: LONG, quantity: 1, unitAmount: 3_653 }]
    orders.long = await shop.paid("pm_card_visa", { reference: LONG, lines, metadata: [{ key: "carrier", value: LONG }] })
    await shop.key("ORDERS_READ", "ORDERS_WRITE", "REFUNDS_WRITE")
  })

  const PAGES = (): [name: string, address: string, wait: string][] => [
    ["home", "/desk/", "Needs a person"],
    ["orders", "/desk/?page=orders", "Placed"],
    ["an order", `/desk/?page=order&id=${orders.paid.id}`, "What happened"],
    ["a review", `/desk/?page=order&id=${orders.review.id}`, "Needs your decision"],
    ["a long order", `/desk/?page=order&id=${orders.long.id}`, "What happened"],
    ["disputes", "/desk/?page=disputes", "Answer by"],
    ["products", "/desk/?page=products", "Stoneware mug"],
    ["webhooks", "/desk/?page=webhooks", "Created"],
    ["an endpoint", `/desk/?page=endpoint&id=${endpoint}`, "Last answer"],
    ["service keys", "/desk/?page=keys", "Last used"],
  ]

  async function visit(page: Page, address: string, wait: string): Promise<void> {
    await page.goto(`${now.demo.url}${address}`)
    await page.locator("main").getByText(wait).first().waitFor({ state: "attached" })
  }

  /** Everything that is asked over the page. */
  const DIALOGS: [page: string, opener: string][] = [
    ["an order", "Refund…"], ["a review", "Accept $36.53…"], ["products", "New product…"], ["webhooks", "New endpoint…"],
    ["an endpoint", "Send again…"], ["service keys", "New key…"],
  ]

  for (const colorScheme of ["light", "dark"] as const) {
    test(`axe finds nothing in the ${colorScheme} theme`, async () => {
      const { page, demo } = now
      await page.emulateMedia({ colorScheme })
      await page.goto(`${demo.url}/desk/`)
      await page.getByRole("button", { name: "Sign in" }).waitFor()
      assert.deepEqual(await faultsByAxe(page), [], "signing in")
      await enter(page, demo.url)
      for (const [name, address, wait] of PAGES()) {
        await visit(page, address, wait)
        assert.deepEqual(await faultsByAxe(page), [], name)
        const opener = DIALOGS.find(([where]) => where === name)?.[1]
        if (!opener) continue
        await page.getByRole("button", { name: opener }).click()
        await page.getByRole("dialog").waitFor()
        assert.deepEqual(await faultsByAxe(page), [], `the dialog of ${name}`)
      }
    })
  }

  for (const [how, fontSize] of [["", "100%"], [" at 200 % text", "200%"]] as const) {
    test(`nothing scrolls sideways on a phone${how}`, async () => {
      const { page, demo } = now
      await page.setViewportSize(PHONE)
      await page.addInitScript((size) => addEventListener("DOMContentLoaded", () => document.documentElement.style.setProperty("font-size", size)), fontSize)
      await enter(page, demo.url)
      for (const [name, address, wait] of PAGES()) {
        await visit(page, address, wait)
        const { inner, wide } = await page.evaluate(() => ({
          inner: document.documentElement.scrollWidth - innerWidth,
          wide: [...document.querySelectorAll("main *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1).slice(0, 3).map((each) => `${each.tagName}.${each.className}`),
        }))
        assert.ok(inner <= 0 && wide.length === 0, `${name} is too wide by ${inner} px: ${wide.join(", ")}`)
      }
    })
  }

  test("on a phone no date, amount or heading of a table is broken into letters", async () => {
    const { page, demo } = now
    await page.setViewportSize(PHONE)
    await enter(page, demo.url)
    for (const [name, address, wait] of PAGES()) {
      await visit(page, address, wait)
      const broken = await page.evaluate(() => {
        const cells = [...document.querySelectorAll<HTMLElement>("main table time, main td .money, main thead th")]
        return cells.filter((each) => each.getClientRects().length > 3 || each.offsetHeight > 4 * parseFloat(getComputedStyle(each).lineHeight)).map((each) => each.innerText)
      })
      assert.deepEqual(broken, [], name)
    }
  })

  describe("by keyboard alone", () => {
    const focused = (page: Page) => page.evaluate(() => document.activeElement?.textContent ?? "")

    test("an order is found, refunded in part, and left", async () => {
      const { page, demo } = now
      const order = await shop.paid()
      await enter(page, demo.url)
      await page.keyboard.press("/")
      await page.keyboard.type(order.reference)
      await page.keyboard.press("Enter")
      await page.getByRole("heading", { name: `Order ${order.reference}` }).waitFor()
      await page.getByRole("button", { name: "Refund…" }).waitFor()
      assert.equal(await focused(page), `Order ${order.reference}`)
      await page.keyboard.press("Tab")
      assert.equal(await focused(page), "Refund…")
      await page.keyboard.press("Enter")
      await page.keyboard.type("10")
      await page.keyboard.press("Enter")
      await page.getByText("Give back $10.00? After that $26.53 is left.").waitFor()
      await answer(page.getByRole("button", { name: "Give back $10.00" }))
      await page.getByText("$10.00: refunded.").waitFor()
      await page.keyboard.press("Enter")
      await page.getByRole("dialog").waitFor({ state: "detached" })
      assert.equal(await focused(page), "Refund…")
      assert.deepEqual(await shop.refundsOf(order.id), [1_000])
    })

    test("the rows are gone through with j and k, and opened with Enter", async () => {
      const { page, demo } = now
      await enter(page, demo.url)
      await page.keyboard.press("g")
      await page.keyboard.press("o")
      await page.locator("tbody tr").first().waitFor()
      const names = await page.locator("tbody th").allInnerTexts()
      await page.keyboard.press("j")
      await page.keyboard.press("j")
      assert.equal(await focused(page), names[1])
      await page.keyboard.press("k")
      assert.equal(await focused(page), names[0])
      await page.keyboard.press("Enter")
      await page.getByRole("heading", { name: `Order ${names[0]}` }).waitFor()
      for (const [key, title] of [["h", "Home"], ["d", "Disputes"], ["p", "Products"], ["w", "Webhooks"], ["k", "Service keys"]] as const) {
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        await page.getByRole("heading", { level: 1, name: title }).waitFor()
      }
    })

    test("the focus stays near what is gone with the question that was answered", async () => {
      const { page, demo } = now
      const order = await shop.disputed()
      await enter(page, demo.url)
      const one = page.getByRole("listitem", { name: `Dispute, order ${order.reference}` })
      await one.getByRole("button", { name: "Close…" }).press("Enter")
      await page.keyboard.type("Accepted it at Stripe.")
      await page.getByRole("button", { name: "Close the case" }).press("Enter")
      await one.waitFor({ state: "detached" })
      await until(true, () => page.evaluate(() => document.activeElement !== document.body))
      await page.goto(`${demo.url}/desk/?page=order&id=${(await shop.order()).id}`)
      await page.getByRole("button", { name: "Cancel…" }).press("Enter")
      await answer(page.getByRole("button", { name: "Cancel the order" }))
      await page.getByRole("button", { name: "Cancel…" }).waitFor({ state: "detached" })
      await until(true, () => page.evaluate(() => document.activeElement !== document.body))
    })

    test("the keys are shown by ?, and can be switched off", async () => {
      const { page, demo } = now
      await enter(page, demo.url)
      await page.keyboard.press("?")
      await page.getByRole("dialog").getByText("next row").waitFor()
      await page.getByLabel("Single keys do this").uncheck()
      await page.keyboard.press("Escape")
      await page.keyboard.press("g")
      await page.keyboard.press("o")
      await page.keyboard.press("/")
      assert.equal(await page.evaluate(() => document.activeElement?.tagName === "INPUT"), false)
      await page.getByRole("heading", { level: 1, name: "Home" }).waitFor()
      await page.reload()
      await page.getByRole("button", { name: "Keys" }).click()
      assert.equal(await page.getByLabel("Single keys do this").isChecked(), false)
    })

    test("keys that are typed into a field are only typed", async () => {
      const { page, demo } = now
      await openOrder(page, demo.url, orders.paid.id)
      await page.keyboard.press("/")
      await page.keyboard.type("gogh?j/")
      assert.equal(await page.getByRole("searchbox").inputValue(), "gogh?j/")
      assert.equal(await page.getByRole("dialog").count(), 0)
    })
  })

  test("on slow 4G the desk can be used after 180 kB", async () => {
    const { page, demo } = now
    const cdp = await slow4G(page)
    let bytes = 0
    cdp.on("Network.loadingFinished", ({ encodedDataLength }) => void (bytes += encodedDataLength))
    const started = performance.now()
    await page.goto(`${demo.url}/desk/`)
    await page.getByRole("button", { name: "Go on as Shopkeeper" }).click()
    await page.getByRole("heading", { level: 1, name: "Home" }).waitFor()
    const milliseconds = performance.now() - started
    await page.waitForLoadState("networkidle")
    console.log(`# desk: ${(bytes / 1000).toFixed(0)} kB, first interaction after ${(milliseconds / 1000).toFixed(1)} s`)
    assert.ok(bytes <= 180_000, `${bytes} bytes`)
  })

  test("an order that is refunded in Stripe's dashboard shows it while the page is open", async () => {
    const { page, demo } = now
    const order = await shop.paid()
    await openOrder(page, demo.url, order.id)
    await demo.order("dashboard/refund", { payment_intent: order.intent, amount: 100 })
    await page.getByText("Stripe’s dashboard").waitFor()
    await until("PARTIALLY_REFUNDED", () => demo.statusOf(order.id))
  })
})
