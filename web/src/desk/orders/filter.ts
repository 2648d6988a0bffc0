import type { OrderFilter, OrderStatus } from "../gql/graphql.ts"

/** What a list of orders shows. All of it stands in the address; dates are days of the reader's, both included. */
export interface Filter {
  view: View
  reference?: string
  email?: string
  user?: string
  intent?: string
  from?: string
  to?: string
}

const VIEWS = {
  all: {},
  unpaid: { statuses: ["PENDING"] },
  bank: { processing: true },
  paid: { statuses: ["PAID"] },
  review: { statuses: ["REVIEW"] },
  disputed: { disputed: true },
  refunded: { statuses: ["PARTIALLY_REFUNDED", "REFUNDED"] },
  canceled: { statuses: ["CANCELED"] },
} satisfies Record<string, Pick<OrderFilter, "disputed" | "processing"> & { statuses?: OrderStatus[] }>

export type View = keyof typeof VIEWS

export const VIEW_NAMES: Record<View, string> = {
  all: "All",
  unpaid: "Unpaid",
  bank: "With the bank",
  paid: "Paid",
  review: "Review",
  disputed: "Disputed",
  refunded: "Refunded",
  canceled: "Canceled",
}

const isView = (text: string | null): text is View => text !== null && Object.hasOwn(VIEWS, text)

const TEXTS = ["reference", "email", "user", "intent"] as const
const DAYS = ["from", "to"] as const

export const TEXT_NAMES: Record<(typeof TEXTS)[number], string> = {
  reference: "Reference",
  email: "E-mail",
  user: "User",
  intent: "PaymentIntent",
}

/** What of the filter is a text that was searched for. */
export const textsOf = (filter: Filter) =>
  TEXTS.flatMap((name) => (filter[name] === undefined ? [] : [{ name, label: TEXT_NAMES[name], text: filter[name] }]))

export function filterFrom(query: URLSearchParams): Filter {
  const view = query.get("view")
  const filter: Filter = { view: isView(view) ? view : "all" }
  for (const name of TEXTS) {
    const text = query.get(name)?.trim()
    if (text) filter[name] = text
  }
  for (const name of DAYS) {
    const day = query.get(name)
    if (day && dayOf(day)) filter[name] = day
  }
  return filter
}

export function writeFilter(filter: Filter, query: URLSearchParams): void {
  if (filter.view !== "all") query.set("view", filter.view)
  for (const name of [...TEXTS, ...DAYS]) {
    const value = filter[name]
    if (value) query.set(name, value)
  }
}

/** What the server is asked for. */
export function orderFilterOf({ view, reference, email, user, intent, from, to }: Filter): OrderFilter {
  const first = from ? dayOf(from) : null
  const last = to ? dayOf(to) : null
  return {
    ...VIEWS[view],
    ...(reference && { reference }),
    ...(email && { receiptEmail: email }),
    ...(user && { userId: user }),
    ...(intent && { paymentIntentId: intent }),
    ...(first && { createdFrom: first.toISOString() }),
    ...(last && { createdBefore: dayAfter(last).toISOString() }),
  }
}

/** Midnight of a day such as `2026-11-26`, in the reader's time zone; `null` for what is no day. */
function dayOf(text: string): Date | null {
  const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text)
  if (!found) return null
  const [year, month, day] = found.slice(1).map(Number) as [number, number, number]
  const date = new Date(year, month - 1, day)
  return date.getMonth() === month - 1 && date.getDate() === day ? date : null
}

/** By the calendar: the day on which the clock changes has no 24 hours. */
const dayAfter = (date: Date): Date => new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1)
