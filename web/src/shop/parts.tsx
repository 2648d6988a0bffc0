import { type MouseEvent, type ReactNode, useEffect, useRef } from "react"
import type { OrderFieldsFragment, OrderStatus } from "../gql/graphql.ts"
import { type Amount, formatMoney } from "./money.ts"
import { type Route, addressOf, go } from "./route.ts"

/** The page's heading. It takes the focus when the page changes, so that a screen reader says where one is. */
export function Heading({ children, title }: { children: ReactNode; title: string }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const first = document.title === "Kiosk 402" && document.activeElement === document.body
    document.title = `${title} · Kiosk 402`
    if (first) return
    scrollTo(0, 0)
    heading.current?.focus({ preventScroll: true })
  }, [title])
  return (
    <h1 ref={heading} tabIndex={-1}>
      {children}
    </h1>
  )
}

export function Link({ to, children, ...more }: { to: Route; children: ReactNode; className?: string; current?: boolean }) {
  const { current, ...rest } = more
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    go(to)
  }
  return (
    <a href={addressOf(to)} onClick={follow} aria-current={current ? "page" : undefined} {...rest}>
      {children}
    </a>
  )
}

export const Money = ({ of }: { of: Amount }) => <span className="money">{formatMoney(of)}</span>

const STATUS: Record<OrderStatus, { label: string; tone: "wait" | "good" | "quiet" | "bad" }> = {
  PENDING: { label: "Waiting for payment", tone: "wait" },
  PAID: { label: "Paid", tone: "good" },
  PARTIALLY_REFUNDED: { label: "Partly refunded", tone: "quiet" },
  REFUNDED: { label: "Refunded", tone: "quiet" },
  CANCELED: { label: "Canceled", tone: "quiet" },
  REVIEW: { label: "Being looked at", tone: "bad" },
}

export const statusLabel = (status: OrderStatus): string => STATUS[status]?.label ?? status

type Standing = Pick<OrderFieldsFragment, "status" | "payments">

/** Confirmed, and the bank takes its time: nothing to pay, and nothing to cancel. */
export const isAtBank = ({ status, payments }: Standing): boolean =>
  status === "PENDING" && payments.some((payment) => payment.status === "PROCESSING")

export function StatusPill({ order }: { order: Standing }) {
  const { status } = order
  if (isAtBank(order)) return <span className="pill wait">With the bank</span>
  return <span className={`pill ${STATUS[status]?.tone ?? "quiet"}`}>{statusLabel(status)}</span>
}

/** Something that went wrong or has to be known, with what to do about it. */
export function Notice({ tone, title, children }: { tone: "bad" | "wait" | "good"; title: string; children?: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      <p className="notice-title">{title}</p>
      {children}
    </div>
  )
}

export function Spinner({ children }: { children: ReactNode }) {
  return (
    <p className="spinner" role="status">
      <span aria-hidden="true" />
      {children}
    </p>
  )
}

export const shortId = (id: string): string => id.slice(0, 8).toUpperCase()

export const shortDate = (iso: string): string =>
  new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" }).format(new Date(iso))
