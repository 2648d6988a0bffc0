// The shop: `npm start`. What is here but for the parts marked Paygraph is what a shop has anyway.
import { randomUUID } from "node:crypto"
import express from "express"
import { Refused, Unreachable, createCheckoutToken, refundOrder, updateOrder } from "./paygraph/client.js"
import { catchUp, receiveWebhook, refresh } from "./paygraph/events.js"
import { bringUpToDate, sendDue } from "./paygraph/outbox.js"
import { config } from "./shop/config.js"
import { closeDatabase, prepareDatabase } from "./shop/database.js"
import { allOrders, allProducts, findOrder, isShipping, placeOrder, saveOrder, ship, withShipping } from "./shop/orders.js"
import * as pages from "./shop/pages.js"
import { addUsers, onlyAdmins, signIn, whoIsIt } from "./shop/users.js"

const app = express().disable("x-powered-by")
const origin = (address) => new URL(address).origin
const STRIPE_JS = origin(config.stripeJs) // with the sandbox, its Stripe.js also calls there
const POLICY = [
  "default-src 'self'; img-src 'self' data: https://*.stripe.com; style-src 'self' 'unsafe-inline'",
  `script-src 'self' ${STRIPE_JS} https://*.js.stripe.com`,
  `connect-src 'self' ${origin(config.paygraph)} ${STRIPE_JS} https://api.stripe.com`, // Paygraph: pay.js calls it
  "frame-src https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; frame-ancestors 'none'",
].join("; ")

// Paygraph: before any parser, since the signature is over the bytes as they came.
app.post("/webhooks/paygraph", express.raw({ type: "*/*" }), receiveWebhook)

app.use((_, response, next) => {
  // The address a bank sends the customer back to holds the client secret: other sites get the origin alone.
  response.set({ "Content-Security-Policy": POLICY, "Referrer-Policy": "strict-origin", "Cache-Control": "no-store" })
  next()
})
app.use(express.static(new URL("public", import.meta.url).pathname), express.urlencoded(), whoIsIt)

app.get("/", async ({ user }, response) => response.send(pages.shopPage(user, await allProducts())))

app.post("/orders", async ({ user, body }, response) => {
  const { email, shipping, voucher, ...quantities } = body
  const isComplete = email?.includes("@") && isShipping(shipping)
  const order = isComplete && (await placeOrder({ user, email, quantities, shipping, voucherCode: voucher }))
  response.redirect(303, order ? `/orders/${order.id}` : "/")
})

// A guest's order is opened by its address, which can't be guessed; a user's order by that user.
app.param("order", async (request, response, next, id) => {
  const order = await findOrder(id)
  const mayRead = order && (!order.user_id || order.user_id === request.user?.id || request.user?.is_admin)
  request.order = order
  if (mayRead) next()
  else response.status(404).send(pages.sorryPage(request.user, "There is no such order."))
})

app.get("/orders/:order", async ({ user, order, query }, response) => {
  const isWaiting = query.from === "bank" && order.status === "PENDING"
  if (isWaiting) await refresh(order.number).catch((error) => console.error(error.message)) // Paygraph
  response.send(pages.orderPage(user, await findOrder(order.id), query.from))
})

app.post("/orders/:order/shipping", async ({ order, body }, response) => {
  if (order.status === "PENDING" && isShipping(body.shipping)) {
    const changed = await withShipping(order, body.shipping)
    // Paygraph first, if it has the order: it refuses while the customer is paying.
    if (order.paygraph_id) await updateOrder(await bringUpToDate(order), changed)
    await saveOrder(changed)
  }
  response.redirect(303, `/orders/${order.id}`)
})

// Paygraph: the customer goes to pay.
app.get("/orders/:order/pay", async ({ user, order, query }, response) => {
  const theirs = await bringUpToDate(order)
  if (theirs.status !== "PENDING") return response.redirect(303, `/orders/${order.id}/back`)
  const { token } = await createCheckoutToken(theirs.id)
  response.send(pages.payPage(user, order, theirs.id, token, "changed" in query))
})

// The customer comes back from paying, perhaps before the webhook. The client secret leaves the address.
app.get("/orders/:order/back", ({ order, query }, response) => {
  response.redirect(303, `/orders/${order.id}?from=${query.redirect_status === "failed" ? "refusal" : "bank"}`)
})

app.get("/sign-in", (_, response) => response.send(pages.signInPage("")))
app.post("/sign-in", async ({ body }, response) => {
  const session = await signIn(body.email, body.password)
  if (!session) return response.status(403).send(pages.signInPage("E-mail or password are wrong."))
  response.cookie("session", session, { httpOnly: true, sameSite: "lax", secure: config.url.startsWith("https:") })
  response.redirect(303, "/")
})
app.post("/sign-out", (_, response) => response.clearCookie("session").redirect(303, "/"))

app.get("/admin", onlyAdmins, async ({ user }, response) => response.send(pages.adminPage(user, await allOrders(), randomUUID)))

app.post("/admin/orders/:order/refund", onlyAdmins, async ({ order, body }, response) => {
  // Paygraph: the key was made with the form, so that a second click is the same refund.
  await refundOrder(order.paygraph_id, body.key, body.amount ? Number(body.amount) : null)
  await refresh(order.number)
  response.redirect(303, "/admin")
})

app.post("/admin/orders/:order/ship", onlyAdmins, async ({ order }, response) => {
  await ship(order.id)
  response.redirect(303, "/admin")
})

app.use((error, { user }, response, _) => {
  console.error(error instanceof Unreachable || error instanceof Refused ? error.message : error)
  if (error instanceof Unreachable) {
    const sorry = "We can't take payments at the moment. Your order is kept: come back to it in a while."
    return response.status(503).send(pages.sorryPage(user, sorry))
  }
  const message = error instanceof Refused ? error.message : "Something went wrong on our side."
  response.status(error instanceof Refused ? 409 : 500).send(pages.sorryPage(user, message))
})

/** Runs `work` again and again, with pauses; what fails is done the next time. */
async function every(seconds, work) {
  for (;;) {
    await work().catch((error) => console.error(error.message))
    await new Promise((done) => setTimeout(done, seconds * 1000))
  }
}

await prepareDatabase()
await addUsers()
const server = app.listen(config.port, "127.0.0.1", (error) => {
  if (error) throw error // where the port is taken: Express hands it to this function and goes on
  console.log(`The shop is at ${config.url}`)
})
every(1, sendDue) // Paygraph: orders that it was not given yet
every(config.pullEvery, catchUp) // Paygraph: events whose webhook was missed

process.once("SIGTERM", () => server.close(() => closeDatabase().then(() => process.exit())))
process.once("SIGINT", () => process.exit())
