import assert from "node:assert/strict"
import { after, afterEach, before, beforeEach, describe, test } from "node:test"
import type { Browser, BrowserContext, Page } from "playwright-core"
import { type Watch, faultsByAxe, launch, open } from "./browser.ts"
import { Demo, until } from "./demo.ts"
import { orderSomething, pay, payButton, thanks, typeCard } from "./shop.ts"

const DECLINE = [/status of 402/] // what Chromium notes of a declined card
const TOO_LATE = [/status of 503/]
const away = {
  contentType: "application/json; charset=utf-8",
  body: JSON.stringify({
    data: { createOrder: null },
    errors: [{ message: "Our database is away.", path: ["createOrder"], extensions: { code: "SERVICE_UNAVAILABLE" } }],
  }),
}
const givenUp = {
  status: 503,
  contentType: "application/graphql-response+json; charset=utf-8",
  body: JSON.stringify({ errors: [{ message: "This took too long and was given up.", extensions: { code: "TIMEOUT" } }] }),
}
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
  ;({ context, page, watch } = await open(browser))
})
afterEach(async () => {
  await context.close()
  await demo.forgetFaults()
  assert.deepEqual(watch.problems, [])
})

describe("a customer pays", () => {
  test("with a card that works, and the order is paid", async () => {
    const order = await orderSomething(page, demo.url, "Stoneware mug", "Desk lamp")
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
    assert.equal(await demo.statusOf(order), "PAID")
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("with another card after a decline, on the same intent", async () => {
    watch.expected = DECLINE
    const order = await orderSomething(page, demo.url, "Fountain pen")
    const intent = await demo.intentOf(order)
    await pay(page, "4000000000009995")
    await page.getByRole("alert").getByText("Your card has insufficient funds.").waitFor()
    assert.equal(await demo.intentOf(order), intent)
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("and is led to the field that is not right", async () => {
    await orderSomething(page, demo.url, "Stoneware mug")
    await pay(page, "4242424242424241")
    await page.getByText("Your card number is invalid.").waitFor()
    assert.equal(await page.getByLabel("Card number").getAttribute("aria-invalid"), "true")
    await page.getByLabel("Card number").and(page.locator(":focus")).waitFor() // once it was sent: leaving the field tells too
  })

  test("by 3-D Secure, approved at the bank", async () => {
    const order = await orderSomething(page, demo.url, "Canvas backpack")
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Approve" }).click()
    await thanks(page).waitFor()
    assert.equal(new URL(page.url()).search, `?pay=${order}`, "the client secret left the address bar")
    assert.equal(await demo.statusOf(order), "PAID")
  })

  test("by another card after 3-D Secure was refused", async () => {
    const order = await orderSomething(page, demo.url, "Canvas backpack")
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Refuse" }).click()
    await page.getByRole("alert").getByText("unable to authenticate your payment method").waitFor()
    assert.equal(await demo.statusOf(order), "PENDING")
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
  })

  test("by another card after 3-D Secure was approved and the bank declined", async () => {
    await orderSomething(page, demo.url, "Pothos in a pot")
    await pay(page, "4000008400001629")
    await page.getByRole("button", { name: "Approve" }).click()
    await page.getByRole("alert").getByText("Your card was declined.").waitFor()
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
  })

  test("with a bank that takes its time, and sees it through", async () => {
    const order = await orderSomething(page, demo.url, "Dotted notebook")
    const intent = await demo.intentOf(order)
    await pay(page, "4000000000007700")
    await page.getByText("Your bank is taking its time.").waitFor()
    assert.equal(await demo.statusOf(order), "PENDING")
    const other = await context.newPage()
    await other.goto(`${demo.url}/?orders`)
    const row = other.getByRole("article", { name: new RegExp(order.slice(0, 8), "i") })
    await row.getByText("With the bank").waitFor()
    assert.equal(await row.getByRole("link", { name: "Continue to pay" }).count(), 0)
    await demo.order(`payment_intents/${intent}/complete`, { outcome: "succeed" })
    await thanks(page).waitFor()
    assert.equal(await demo.statusOf(order), "PAID")
  })

  test("again when the bank said no in the end", async () => {
    const order = await orderSomething(page, demo.url, "Dotted notebook")
    const intent = await demo.intentOf(order)
    await pay(page, "4000000000007700")
    await page.getByText("Your bank is taking its time.").waitFor()
    await demo.order(`payment_intents/${intent}/complete`, { outcome: "fail" })
    await page.getByRole("alert").getByText("Your bank refused the payment in the end.").waitFor({ timeout: 30_000 })
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("once, however often the button is pressed", async () => {
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    const confirms: string[] = []
    page.on("request", (request) => request.url().endsWith("/confirm") && confirms.push(request.url()))
    await typeCard(page, "4242424242424242")
    await payButton(page).dblclick()
    await thanks(page).waitFor()
    assert.equal(confirms.length, 1)
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("in yen, which have no decimals, after starting another cart", async () => {
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Add Stoneware mug to cart" }).click()
    await page.getByRole("button", { name: "Add Cast-iron teapot (Japan) to cart" }).click()
    await page.getByRole("button", { name: "Start a JPY cart" }).click()
    await page.getByRole("button", { name: /^Cart/ }).click()
    await page.getByRole("button", { name: "Place order and pay" }).click()
    await page.getByRole("button", { name: "Pay ¥8,800" }).waitFor()
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
  })

  test("by keyboard alone", async () => {
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Add One sticker to cart" }).press("Enter")
    await page.getByRole("button", { name: "One more" }).press("Enter")
    await page.getByRole("button", { name: /^Cart/ }).press("Enter")
    await page.getByRole("button", { name: "Place order and pay" }).press("Enter")
    await page.getByLabel("Card number").focus()
    for (const typed of ["4242424242424242", "1230", "123"]) {
      await page.keyboard.type(typed)
      await page.keyboard.press("Tab")
    }
    await payButton(page).press("Enter")
    await thanks(page).waitFor()
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), "H1", "a screen reader is told")
  })
})

describe("a customer who leaves", () => {
  test("right after paying finds the order paid", async () => {
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    await typeCard(page, "4242424242424242")
    const confirmed = page.waitForResponse((response) => response.url().endsWith("/confirm"))
    await payButton(page).click()
    await confirmed
    await page.close()
    await until("PAID", () => demo.statusOf(order))
    const again = await context.newPage()
    await again.goto(`${demo.url}/?pay=${order}`)
    await thanks(again).waitFor()
    await again.getByRole("link", { name: "My orders" }).first().click()
    await again.getByRole("article", { name: new RegExp(order.slice(0, 8), "i") }).getByText("Paid").waitFor()
  })

  test("before paying finds “Continue to pay”", async () => {
    const order = await orderSomething(page, demo.url, "Fountain pen")
    await page.close()
    const again = await context.newPage()
    await again.goto(`${demo.url}/?orders`)
    const row = again.getByRole("article", { name: new RegExp(order.slice(0, 8), "i") })
    await row.getByRole("link", { name: "Continue to pay" }).click()
    await pay(again, "4242424242424242")
    await thanks(again).waitFor()
  })

  test("at the bank's page can go on in another tab", async () => {
    const order = await orderSomething(page, demo.url, "Fountain pen")
    await pay(page, "4000000000003220")
    await page.getByRole("button", { name: "Approve" }).waitFor()
    await page.close()
    const again = await context.newPage()
    await again.goto(`${demo.url}/?pay=${order}`)
    await pay(again, "4242424242424242")
    await thanks(again).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })
})

describe("a change of mind", () => {
  test("cancels an order that was not paid, and it can't be paid any more", async () => {
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    await page.goto(`${demo.url}/?order=${order}`)
    await page.getByRole("button", { name: "Cancel order" }).click()
    await page.getByRole("button", { name: "Yes, cancel it" }).click()
    await page.getByText("This order was canceled.").waitFor()
    assert.equal(await demo.statusOf(order), "CANCELED")
    await page.goto(`${demo.url}/?pay=${order}`)
    await page.getByText("This order was canceled.").waitFor()
    assert.equal(await page.getByLabel("Card number").count(), 0)
  })

  test("is paid back by the shopkeeper, a part first, then the rest", async () => {
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
    await page.getByRole("radio", { name: "Shopkeeper" }).check()
    await page.getByRole("link", { name: "My orders" }).first().click()
    await page.getByLabel("A customer’s order, by its full number").fill(order)
    await page.getByRole("button", { name: "Find" }).click()
    const ask = page.getByRole("button", { name: "Refund…" })
    const give = page.getByRole("button", { name: "Give it back" })
    await page.getByLabel("Amount in USD").fill("5")
    await ask.click()
    await give.dblclick()
    await page.getByText("$5.00: given back.").waitFor()
    await page.getByText("Partly refunded").waitFor()
    await page.getByLabel("Amount in USD").fill("100")
    await ask.click()
    await page.getByText("At most $14.99 is left to give back.").waitFor()
    assert.deepEqual(await faultsByAxe(page), [])
    await page.getByLabel("Amount in USD").fill("")
    await ask.click()
    await give.click()
    await page.getByText("Refunded in full.").waitFor()
    assert.equal(await demo.statusOf(order), "REFUNDED")
  })
})

describe("when something is down", () => {
  test("a lost webhook is made up for while the customer waits", async () => {
    await demo.order("webhooks", { url: `http://127.0.0.1:${demo.port + 7}/nowhere` })
    const takesLonger = page.getByText("This takes longer than usual.")
    try {
      for (const isLast of [false, true]) {
        const order = await orderSomething(page, demo.url, "Stoneware mug")
        await pay(page, "4242424242424242")
        await takesLonger.or(thanks(page)).waitFor()
        const hasWaited = await takesLonger.isVisible()
        await thanks(page).waitFor({ timeout: 30_000 })
        assert.equal(await demo.statusOf(order), "PAID")
        if (hasWaited) break
        assert.ok(!isLast, "nobody had to wait") // the minute's sweep may have come first, once
      }
    } finally {
      await demo.order("webhooks", { url: `${demo.url}/webhooks/stripe` })
    }
  })

  test("a payment service that does not answer charges nothing, and the order can be paid later", async () => {
    await page.goto(demo.url)
    await demo.order("faults", { method: "POST", path: "/v1/payment_intents", times: null, fault: { kind: "reset" } })
    await page.getByRole("button", { name: "Add Desk lamp to cart" }).click()
    await page.getByRole("button", { name: /^Cart/ }).click()
    await page.getByRole("button", { name: "Place order and pay" }).click()
    await page.getByText("The payment service isn’t answering.").waitFor({ timeout: 30_000 })
    await demo.forgetFaults()
    await page.getByRole("button", { name: "Try again" }).click()
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
  })

  test("a restart of the server in the middle of an order makes one order", async () => {
    watch.expected = [/ERR_CONNECTION|ERR_EMPTY_RESPONSE/]
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Add Desk lamp to cart" }).click()
    await page.getByRole("button", { name: /^Cart/ }).click()
    const before = await orderCount()
    await demo.down()
    await page.getByRole("button", { name: "Place order and pay" }).click()
    await page.getByText("The shop isn’t answering; we keep trying.").waitFor()
    await demo.up()
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
    assert.equal(await orderCount(), before + 1)
  })

  test("an order that the server had no time or no database for is sent again, and placed once", async () => {
    watch.expected = TOO_LATE
    const before = await orderCount()
    let sent = 0
    await page.route("**/graphql", async (route) => {
      if (!route.request().postData()?.includes("CreateOrder") || ++sent > 2) return route.continue()
      if (sent === 1) return route.fulfill(away)
      await route.fetch() // it is placed all the same
      await route.fulfill(givenUp)
    })
    const order = await orderSomething(page, demo.url, "Desk lamp")
    assert.equal(sent, 3)
    assert.equal(await orderCount(), before + 1)
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
    assert.equal(await demo.chargesOf(order), 1)
  })

  test("a server that stays too busy is told of, with what to do", async () => {
    watch.expected = TOO_LATE
    let sent = 0
    await page.route("**/graphql", async (route) => {
      if (!route.request().postData()?.includes("CreatePaymentIntent")) return route.continue()
      if (++sent > 1) await page.getByText("The shop is very busy; we keep trying.").waitFor()
      await route.fulfill(givenUp)
    })
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Add Fountain pen to cart" }).click()
    await page.getByRole("button", { name: /^Cart/ }).click()
    await page.getByRole("button", { name: "Place order and pay" }).click()
    await page.getByText("The shop is very busy and did not finish in time. Your order is kept, and it is never charged twice.").waitFor()
    assert.equal(sent, 3)
    assert.equal(await page.getByText("we keep trying").count(), 0)
    await page.unroute("**/graphql")
    await page.getByRole("button", { name: "Try again" }).click()
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
  })

  async function orderCount(): Promise<number> {
    return (await demo.graphql<{ orders: { nodes: unknown[] } }>("{ orders(first: 100) { nodes { id } } }")).orders.nodes.length
  }

  test("a total that no card takes is said, with what to do", async () => {
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Add One sticker to cart" }).click()
    await page.getByRole("button", { name: /^Cart/ }).click()
    await page.getByRole("button", { name: "Place order and pay" }).click()
    await page.getByText("The total is too small to pay by card.").waitFor()
    await page.getByRole("link", { name: "Back to the shop" }).waitFor()
  })
})

describe("the page", () => {
  test("keeps one person's orders from another", async () => {
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    await page.getByRole("radio", { name: "Shopkeeper" }).check()
    await page.getByText("We can’t find this order.").waitFor()
    await page.getByRole("link", { name: "My orders" }).first().click()
    await page.getByText("You have not ordered anything yet.").waitFor()
    assert.equal(await page.getByText(order.slice(0, 8).toUpperCase()).count(), 0)
  })

  test("shows developers what was sent, and never a whole client secret", async () => {
    const order = await orderSomething(page, demo.url, "Stoneware mug")
    await page.getByRole("button", { name: "What was just sent" }).click()
    await page.getByRole("region", { name: "Operation" }).getByText("mutation CreatePaymentIntent").waitFor()
    await page.getByRole("region", { name: "Variables" }).getByText(order).waitFor()
    const answer = await page.getByRole("region", { name: "Answer" }).innerText()
    assert.match(answer, /"clientSecret": "pi_.{6}…_secret_.{3}…"/)
    const kept = await page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }))
    assert.doesNotMatch(kept, /secret|eyJ/, "neither secrets nor tokens are kept in the browser")
  })

  for (const colorScheme of ["light", "dark"] as const) {
    test(`has nothing serious for axe to find, in ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" })
      const found: Record<string, string[]> = {}
      const look = async (at: string) => void (found[at] = await faultsByAxe(page))
      await page.goto(demo.url)
      await page.getByRole("button", { name: "Add Stoneware mug to cart" }).click()
      await look("shop")
      await page.getByRole("button", { name: /^Cart/ }).click()
      await look("cart")
      await page.getByRole("button", { name: "Place order and pay" }).click()
      await page.getByText("Test cards").click()
      await pay(page, "1")
      await look("checkout with a mistake")
      await pay(page, "4242424242424242")
      await thanks(page).waitFor()
      await page.getByRole("button", { name: "What was just sent" }).click()
      await look("result with the drawer")
      await page.goto(`${demo.url}/?orders`)
      await page.getByRole("article").first().waitFor()
      await look("orders")
      assert.deepEqual(Object.entries(found).filter(([, faults]) => faults.length), [])
    })
  }

  test("fits a phone without scrolling sideways", async () => {
    await page.setViewportSize({ width: 320, height: 640 })
    const fits = async () => assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), page.url())
    await page.goto(demo.url)
    await page.getByRole("button", { name: "Add Coffee set (Kuwait) to cart" }).click()
    await fits()
    await page.getByRole("button", { name: /^Cart/ }).click()
    await fits()
    await page.getByRole("button", { name: "Place order and pay" }).click()
    await page.getByText("Test cards").click()
    await fits()
    await pay(page, "4242424242424242")
    await thanks(page).waitFor()
    await fits()
    await page.goto(`${demo.url}/?orders`)
    await page.getByRole("article").first().waitFor()
    await fits()
  })
})
