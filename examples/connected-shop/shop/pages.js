// The shop's pages, as strings. Whatever is put into `html` is escaped, unless it is `html` itself.
import { config } from "./config.js"
import { SHIPPING } from "./orders.js"

class Html extends String {}

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" }
const escaped = (value) => String(value ?? "").replace(/[&<>"']/g, (character) => ESCAPES[character])

function html(texts, ...values) {
  const show = (value) => (Array.isArray(value) ? value.map(show).join("") : value instanceof Html ? value : escaped(value))
  return new Html(String.raw({ raw: texts }, ...values.map(show)))
}

const euros = (cents) => `${(cents / 100).toFixed(2)} EUR`

function layout(user, title, body) {
  return String(html`<!doctype html>
    <html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title>
    <link rel="stylesheet" href="/shop.css"><link rel="icon" href="data:,">
    <header><a href="/">The connected shop</a>
      ${user ? html`<form method="post" action="/sign-out">${user.email} <button>Sign out</button></form>` : html`<a href="/sign-in">Sign in</a>`}
      ${user?.is_admin ? html`<a href="/admin">Orders</a>` : ""}</header>
    <main><h1>${title}</h1>${body}</main></html>`)
}

const shippingChoice = (chosen) => html`<select name="shipping">${Object.entries(SHIPPING).map(
  ([id, { name, price }]) => html`<option value="${id}" ${id === chosen ? "selected" : ""}>${name}, ${euros(price)}</option>`,
)}</select>`

export const shopPage = (user, products) => layout(user, "Buy something", html`
  <form method="post" action="/orders">
    <table>${products.map(({ sku, name, price }) => html`
      <tr><td>${name}<td>${euros(price)}<td><input type="number" name="${sku}" value="0" min="0" max="99" aria-label="How many: ${name}">`)}</table>
    <p><label>E-mail <input type="email" name="email" value="${user?.email}" required></label>
    <p><label>Shipping ${shippingChoice("parcel")}</label>
    <p><label>Voucher <input name="voucher" placeholder="WELCOME"></label>
    <p><button>Order</button></form>`)

const TOLD = {
  PENDING: "Not paid yet.", PAID: "Paid. Thank you!", CANCELED: "Canceled.", REVIEW: "We are looking at your payment.",
  PARTIALLY_REFUNDED: "Paid; a part of it went back to you.", REFUNDED: "Your money went back to you.",
}

function summary({ lines, total }) {
  return html`<table>${lines.map(({ kind, name, quantity, unitAmount }) => html`
    <tr><td>${quantity > 1 ? `${quantity} × ` : ""}${name}<td>${kind === "DISCOUNT" ? "−" : ""}${euros(quantity * unitAmount)}`)}
    <tr><th>Total, tax included<th>${euros(total)}</table>`
}

/** `from`: "bank" or "refusal" for a customer who has just come back from paying. */
export const orderPage = (user, order, from) => layout(user, `Order ${order.number}`, html`
  ${from === "refusal" ? html`<p role="alert">Your bank did not approve the payment.` : ""}
  ${from === "bank" && order.status === "PENDING"
    ? html`<p role="status">Waiting for your bank… You may close this page.<meta http-equiv="refresh" content="2">`
    : html`<p role="status">${TOLD[order.status]}`}
  ${summary(order)}
  ${order.status === "PENDING" && from !== "bank" ? html`
    <form method="post" action="/orders/${order.id}/shipping">${shippingChoice(order.shipping)} <button>Change shipping</button></form>
    <p><a class="button" href="/orders/${order.id}/pay">Pay</a>` : ""}`)

/** pay.js reads the data attributes. The token opens this one order, so it may be in the page. */
export const payPage = (user, order, paygraphId, token, isChanged) => layout(user, `Pay order ${order.number}`, html`
  ${isChanged ? html`<p role="alert">Your order was changed meanwhile: this is what it comes to now.` : ""}
  ${summary(order)}
  <form id="payment" data-paygraph="${config.paygraph}" data-token="${token}" data-order="${paygraphId}"
    data-total="${order.total}" data-back="${config.url}/orders/${order.id}/back">
    <div id="card"></div><p role="alert"></p><button disabled>Pay ${euros(order.total)}</button></form>
  <script src="${config.stripeJs}"></script><script type="module" src="/pay.js"></script>`)

export const signInPage = (message) => layout(null, "Sign in", html`<form method="post">
  <p role="alert">${message}
  <p><label>E-mail <input type="email" name="email" required></label>
  <p><label>Password <input type="password" name="password" required></label>
  <p><button>Sign in</button></form>`)

export const adminPage = (user, orders, newKey) => layout(user, "Orders", html`<table>
  <tr><th>Number<th>Who<th>Total<th>Status<th>Parcel<th>${orders.map((order) => html`
  <tr id="${order.number}"><td><a href="/orders/${order.id}">${order.number}</a><td>${order.email}<td>${euros(order.total)}<td>${order.status}
    <td>${order.shipped_at ? "handed over" : ""}${order.last_error ? `not sent: ${order.last_error}` : ""}
    <td>${refundable(order) ? html`<form method="post" action="/admin/orders/${order.id}/refund">
      <input type="hidden" name="key" value="${newKey()}"><input name="amount" placeholder="all" size="6" aria-label="Cents of ${order.number}">
      <button>Refund</button></form>` : ""}
      ${refundable(order) && !order.shipped_at ? html`Paid another total: refund it, or
        <form method="post" action="/admin/orders/${order.id}/ship"><button>Ship it all the same</button></form>` : ""}`)}</table>`)

const refundable = ({ status }) => ["PAID", "PARTIALLY_REFUNDED", "REVIEW"].includes(status)

export const sorryPage = (user, message) => layout(user, "One moment", html`<p role="alert">${message}`)
