import { Store, useStore } from "../shared/store.ts"
import type { DeliveryStatus } from "./gql/graphql.ts"
import { type Filter, filterFrom, writeFilter } from "./orders/filter.ts"
import { statusFrom } from "./webhooks/words.ts"

export type Route =
  | { page: "home"; closed?: boolean; after?: string | null }
  | { page: "orders"; filter: Filter; after?: string | null }
  | { page: "order"; id: string }
  | { page: "disputes" | "products"; after?: string | null }
  | { page: "webhooks" | "keys" }
  | { page: "endpoint"; id: string; status: DeliveryStatus | null; after?: string | null }
export type PageName = Route["page"]

export function routeOf(query: URLSearchParams): Route {
  const after = query.get("after")
  switch (query.get("page")) {
    case "orders":
      return { page: "orders", filter: filterFrom(query), after }
    case "order": {
      const id = query.get("id")
      return id ? { page: "order", id } : { page: "orders", filter: { view: "all" } }
    }
    case "disputes":
      return { page: "disputes", after }
    case "products":
      return { page: "products", after }
    case "webhooks":
      return { page: "webhooks" }
    case "endpoint": {
      const id = query.get("id")
      return id ? { page: "endpoint", id, status: statusFrom(query.get("status")), after } : { page: "webhooks" }
    }
    case "keys":
      return { page: "keys" }
    default:
      return { page: "home", closed: query.has("closed"), after }
  }
}

export function addressOf(route: Route): string {
  const query = new URLSearchParams()
  if (route.page !== "home") query.set("page", route.page)
  else if (route.closed) query.set("closed", "")
  if (route.page === "orders") writeFilter(route.filter, query)
  if (route.page === "order" || route.page === "endpoint") query.set("id", route.id)
  if (route.page === "endpoint" && route.status) query.set("status", route.status.toLowerCase())
  if ("after" in route && route.after) query.set("after", route.after)
  const text = query.toString()
  return text ? `/desk/?${text}` : "/desk/"
}

const read = (): Route => routeOf(new URLSearchParams(location.search))

/** Where the page is. Made when the page is there, so that tests without one can read addresses. */
const route = new Store<Route>(globalThis.location ? read() : { page: "home" })
globalThis.addEventListener?.("popstate", () => route.set(read()))

export function go(to: Route): void {
  history.pushState(null, "", addressOf(to))
  if ("after" in to) scrollTo(0, 0)
  route.set(to)
}

/** Takes the address of the page as if it had been opened with this one. */
export function standAt(address: string): void {
  history.replaceState(null, "", address)
  route.set(read())
}

export const useRoute = (): Route => useStore(route)
