import { useApolloClient } from "@apollo/client/react"
import { useEffect, useEffectEvent, useState } from "react"
import type { OrderStatus } from "../../gql/graphql.ts"
import type { Config } from "../../shared/config.ts"
import { Notice, Spinner } from "../parts/notice.tsx"
import { ToOrders } from "./result.tsx"
import { type Fate, awaitFate, createPaymentIntent } from "./fate.ts"

interface Props {
  config: Config
  orderId: string
  /** The server's own word that the bank takes its time. */
  isAtBank: boolean
  settled: (status: OrderStatus) => void
  payAgain: () => void
}

/** The card said yes; the order is paid when the server knows it too. Until then: what happens, and what to do. */
export function Awaiting({ config, orderId, isAtBank, settled, payAgain }: Props) {
  const client = useApolloClient()
  const [fate, setFate] = useState<Fate>({ kind: "waiting" })
  const [round, setRound] = useState(0)
  const [isLong, setLong] = useState(false)
  const hear = useEffectEvent((news: Fate) => {
    if (news.kind === "settled") settled(news.status)
    else if (news.kind === "failed") payAgain()
    else setFate(news)
  })

  useEffect(() => awaitFate(() => createPaymentIntent(client, orderId), hear), [client, orderId, round])
  useEffect(() => {
    const patience = setTimeout(() => setLong(true), 4_000)
    return () => clearTimeout(patience)
  }, [])

  const again = () => {
    setFate({ kind: "waiting" })
    setRound(round + 1)
  }
  if (isAtBank || fate.kind === "bank") return <AtBank config={config} />
  if (fate.kind === "late") {
    return (
      <Notice tone="wait" title="We are still waiting for the bank’s confirmation.">
        <p>Your payment is under way and nothing is charged twice. Look again now, or come back later.</p>
        <p className="actions">
          <button className="button" onClick={again}>
            Look again
          </button>
          <ToOrders />
        </p>
      </Notice>
    )
  }
  return (
    <>
      <Spinner>Waiting for the bank’s confirmation…</Spinner>
      {isLong && (
        <p className="muted">
          This takes longer than usual. Your payment is safe: please don’t pay again, and close this page if you like. We
          keep asking the bank.
        </p>
      )}
    </>
  )
}

function AtBank({ config }: { config: Config }) {
  return (
    <Notice tone="wait" title="Your bank is taking its time.">
      <p>
        We are waiting for the bank’s confirmation, which can take from minutes to days. You don’t have to do anything,
        and you can close this page: the order turns to “Paid” by itself.
      </p>
      <ToOrders />
      {config.sandbox && (
        <p className="muted">
          In this demo you are the bank: <code>POST /_sandbox/payment_intents/:id/complete</code> at {config.sandbox}{" "}
          lets it arrive.
        </p>
      )}
    </Notice>
  )
}
