import { Store, useStore } from "../shared/store.ts"

export type Route =
  | { page: "shop" }
  | { page: "orders" }
  | { page: "order"; id: string }
  /** `returned` is what Stripe added to the address when the bank sent the customer back. */
  | { page: "pay"; id: string; returned?: string | null }

function read(): Route {
  const query = new URLSearchParams(location.search)
  const pay = query.get("pay")
  if (pay) return { page: "pay", id: pay, returned: query.get("payment_intent_client_secret") }
  const order = query.get("order")
  if (order) return { page: "order", id: order }
  return query.has("orders") ? { page: "orders" } : { page: "shop" }
}

const orderIdOf = (route: Route): string | null => ("id" in route ? route.id : null)

export function addressOf(route: Route): string {
  switch (route.page) {
    case "shop":
      return "/"
    case "orders":
      return "/?orders"
    case "order":
      return `/?order=${encodeURIComponent(route.id)}`
    case "pay":
      return `/?pay=${encodeURIComponent(route.id)}`
  }
}

const route = new Store(read())

/** The order and the `#…` that the page was opened with. */
export const arrival = { orderId: orderIdOf(route.get()), hash: location.hash }

// Client secrets and tokens leave the address bar, and the history, before anything else sees them.
if (arrival.orderId) history.replaceState(null, "", addressOf(route.get()))
addEventListener("popstate", () => route.set(read()))
// Another link to the same order, put into the address bar, loads nothing by itself.
addEventListener("hashchange", () => location.hash.includes("token=") && location.reload())

export function go(to: Route): void {
  history.pushState(null, "", addressOf(to))
  route.set(to)
}

export const useRoute = (): Route => useStore(route)
