import { useApolloClient } from "@apollo/client/react"
import { useEffect, useRef, useState } from "react"
import type { Config } from "../config.ts"
import type { OrderStatus } from "../gql/graphql.ts"
import { type Fate, follow } from "./fate.ts"
import { Link, Notice, Spinner } from "./parts.tsx"

interface Props {
  config: Config
  orderId: string
  settled: (status: OrderStatus) => void
  payAgain: () => void
}

/** The card said yes; the order is paid when the server knows it too. Until then: what happens, and what to do. */
export function Awaiting({ config, orderId, settled, payAgain }: Props) {
  const client = useApolloClient()
  const [fate, setFate] = useState<Fate>({ kind: "waiting" })
  const [round, setRound] = useState(0)
  const [long, setLong] = useState(false)
  const report = useRef({ settled, payAgain })
  report.current = { settled, payAgain }

  useEffect(() => {
    const stop = new AbortController()
    const patience = setTimeout(() => setLong(true), 4_000)
    const hear = (news: Fate) => {
      if (news.kind === "settled") report.current.settled(news.status)
      else if (news.kind === "failed") report.current.payAgain()
      else setFate(news)
    }
    void follow(client, orderId, hear, stop.signal)
    return () => {
      stop.abort()
      clearTimeout(patience)
    }
  }, [client, orderId, round])

  const again = () => {
    setFate({ kind: "waiting" })
    setRound(round + 1)
  }
  switch (fate.kind) {
    case "bank":
      return (
        <Notice tone="wait" title="Your bank is taking its time.">
          <p>
            We are waiting for the bank’s confirmation, which can take from minutes to days. You don’t have to do
            anything, and you can close this page: the order turns to “Paid” by itself in{" "}
            <Link to={{ page: "orders" }}>My orders</Link>.
          </p>
          {config.sandbox && (
            <p className="muted">
              In this demo you are the bank: <code>POST /_sandbox/payment_intents/:id/complete</code> at{" "}
              {config.sandbox} lets it arrive.
            </p>
          )}
        </Notice>
      )
    case "late":
      return (
        <Notice tone="wait" title="We are still waiting for the bank’s confirmation.">
          <p>Your payment is under way and nothing is charged twice. Look again now, or later in “My orders”.</p>
          <p className="actions">
            <button className="button" onClick={again}>
              Look again
            </button>
            <Link className="button quiet" to={{ page: "orders" }}>
              My orders
            </Link>
          </p>
        </Notice>
      )
    default:
      return (
        <>
          <Spinner>Waiting for the bank’s confirmation…</Spinner>
          {long && (
            <p className="muted">
              This takes longer than usual. Your payment is safe: please don’t pay again, and close this page if you
              like. We keep asking the bank.
            </p>
          )}
        </>
      )
  }
}
