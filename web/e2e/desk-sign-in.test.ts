// The desk's sign-in with an identity provider, in a server as production has it.
import assert from "node:assert/strict"
import { after, describe, test } from "node:test"
import type { Page } from "playwright-core"
import { faultsByAxe } from "./browser.ts"
import { ShopOf, sumOf } from "./desk.ts"
import { AUDIENCE, CLIENT, Issuer } from "./issuer.ts"
import { stage } from "./stage.ts"

let issuer: Issuer
let url = ""
const now = stage({}, {
  async begin(demo) {
    issuer = await Issuer.start()
    url = await demo.serve({
      DESK: "true", DESK_OIDC_ISSUER: issuer.url, DESK_OIDC_CLIENT_ID: CLIENT, DESK_OIDC_SCOPE: "openid email",
      JWT_JWKS_URL: `${issuer.url}/jwks`, JWT_ISSUER: issuer.url, JWT_AUDIENCE: AUDIENCE,
    })
  },
})
after(() => issuer?.stop())
const shop = new ShopOf(() => now.demo)
const BROKEN = [/status of (40[013]|503)|ERR_FAILED|WebSocket connection/]

const withIssuer = (page: Page) => page.getByRole("button", { name: "Sign in with 127.0.0.1" })
const problem = (page: Page) => page.getByRole("alert")

async function signInAs(page: Page, person: string, address = "/desk/"): Promise<void> {
  await page.goto(`${url}${address}`)
  await withIssuer(page).click()
  await page.getByRole("link", { name: person }).click()
}

/** In the window that the page opens for it. */
async function signInAgainAs(page: Page, person: string): Promise<void> {
  const [opened] = await Promise.all([page.waitForEvent("popup"), withIssuer(page).click()])
  await opened.getByRole("link", { name: person }).click()
}

describe("signing in with an identity provider", () => {
  test("leads back to where one was, as who one is, and stays in the tab", async () => {
    const { page } = now
    const { id, reference } = await shop.order()
    await signInAs(page, "mara", `/desk/?page=order&id=${id}`)
    await page.getByRole("heading", { name: `Order ${reference}` }).waitFor()
    assert.equal(page.url(), `${url}/desk/?page=order&id=${id}`) // no code, no state
    await page.getByText("mara@shop.example").waitFor()
    await page.reload()
    await page.getByRole("heading", { name: `Order ${reference}` }).waitFor()
    const asked = issuer.asked.at(-1)
    assert.deepEqual([asked?.get("scope"), asked?.get("redirect_uri"), asked?.has("prompt")], ["openid email", `${url}/desk/`, false])
    await page.getByRole("button", { name: "Sign out" }).click()
    await withIssuer(page).click()
    await page.getByRole("heading", { name: "Who are you?" }).waitFor()
    assert.equal(issuer.asked.at(-1)?.get("prompt"), "login") // whoever comes next is asked who they are
  })

  test("an account without the merchant's role is refused, and another one may be taken", async () => {
    const { page } = now
    await signInAs(page, "carl")
    await problem(page).getByText("carl@home.example may not use the desk: that account has no merchant’s role.").waitFor()
    assert.deepEqual(await faultsByAxe(page), [])
    await withIssuer(page).click()
    await page.getByRole("link", { name: "mara" }).click()
    await page.getByRole("heading", { name: "Home" }).waitFor()
    assert.equal(issuer.asked.at(-1)?.get("prompt"), "login")
  })

  test("can be read in the dark, with a problem too", async () => {
    const { page } = now
    await page.emulateMedia({ colorScheme: "dark" })
    await page.goto(`${url}/desk/`)
    await withIssuer(page).waitFor()
    assert.deepEqual(await faultsByAxe(page), [])
    await signInAs(page, "carl")
    await problem(page).getByText("may not use the desk").waitFor()
    assert.deepEqual(await faultsByAxe(page), [])
  })

  test("refused consent, an answer nobody asked for, a wrong nonce and an issuer that is down sign nobody in", async () => {
    const { page, watch } = now
    watch.expected = BROKEN
    await signInAs(page, "refuse")
    await problem(page).getByText("The sign-in was refused there").waitFor()
    for (const answer of ["code=stolen&state=made-up", "error=server_error&error_description=Call+this+number&state=made-up"]) {
      await page.goto(`${url}/desk/?${answer}`)
      await problem(page).getByText("was not begun in this tab").waitFor()
      assert.equal(await page.getByText("Call this number").count(), 0) // anybody can write an address
    }
    assert.equal(page.url(), `${url}/desk/`)
    issuer.nonce = "another"
    await signInAs(page, "mara")
    await problem(page).getByText("an answer that the desk does not trust").waitFor()
    issuer.nonce = null
    issuer.isAway = true
    await withIssuer(page).click()
    await problem(page).getByText("The sign-in service isn’t answering this page.").waitFor()
    issuer.isAway = false
    await withIssuer(page).click()
    await page.getByRole("heading", { name: "Who are you?" }).waitFor()
    await page.goBack({ waitUntil: "commit" }) // anew, or from the back-forward cache where there is one
    await withIssuer(page).getByText("Sign in with").waitFor()
  })

  test("what it needs of the browser or the network is said, and the button can be pressed again", async () => {
    const { page, context, watch } = now
    watch.expected = BROKEN
    await page.goto(`${url}/desk/`)
    await withIssuer(page).waitFor()
    const scripts = (address: URL) => address.pathname.includes("oidc")
    await page.route(scripts, (route) => route.abort())
    await withIssuer(page).click()
    await problem(page).getByText("The sign-in could not be loaded.").waitFor()
    await withIssuer(page).waitFor()
    await page.unroute(scripts)
    await context.addInitScript('Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("denied", "SecurityError") } })')
    await page.reload()
    await withIssuer(page).click()
    await problem(page).getByText("This browser keeps nothing for this page").waitFor()
    await withIssuer(page).waitFor()
  })

  test("a session that ends keeps what was typed, for the same person only", async () => {
    const { page, watch } = now
    watch.expected = BROKEN
    const order = await shop.paid()
    issuer.lifetime = 4 // the server's leeway is more: the page itself knows when it ends
    await signInAs(page, "mara", `/desk/?page=order&id=${order.id}`)
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByLabel("Amount in USD").fill("12.34")
    await page.getByText("your token has ended").waitFor()
    assert.deepEqual(await faultsByAxe(page), [])
    issuer.lifetime = 300
    await signInAgainAs(page, "mara")
    await page.getByText("your token has ended").waitFor({ state: "detached" })
    assert.equal(await page.getByLabel("Amount in USD").inputValue(), "12.34")
    await page.getByRole("button", { name: "Go on…" }).click()
    await page.getByRole("button", { name: "Give back $12.34" }).click()
    await page.getByText("$12.34: refunded.").waitFor()
    await page.getByRole("button", { name: "Done" }).click()
    await sumOf(page, "Returned").getByText("$12.34").waitFor()

    issuer.lifetime = 3
    await page.getByRole("button", { name: "Sign out" }).click()
    await withIssuer(page).click()
    await page.getByRole("link", { name: "mara" }).click()
    await page.getByRole("button", { name: "Refund…" }).click()
    await page.getByText("your token has ended").waitFor()
    issuer.lifetime = 300
    await signInAgainAs(page, "milo")
    await page.getByText("milo@shop.example").waitFor()
    await page.getByRole("heading", { name: `Order ${order.reference}` }).waitFor()
    assert.equal(await page.getByRole("dialog").count(), 0) // mara's form is gone
  })
})
