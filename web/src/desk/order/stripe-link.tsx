import { useQuery } from "@apollo/client/react"
import { createContext, use } from "react"
import { graphql } from "../gql/index.ts"

const STRIPE_MODE = graphql(/* GraphQL */ `
  query DeskStripeMode {
    paymentConfig { publishableKey }
  }
`)

/** Whether Stripe is the demo's stand-in, which has no dashboard. */
export const IsSandbox = createContext(false)

/** The dashboard of the mode that the key belongs to; `null` when nobody can say which. */
export function dashboardOf(publishableKey: string): string | null {
  if (publishableKey.startsWith("pk_test_")) return "https://dashboard.stripe.com/test"
  return publishableKey.startsWith("pk_live_") ? "https://dashboard.stripe.com" : null
}

export function PaymentAtStripe({ intent }: { intent: string }) {
  const isSandbox = use(IsSandbox)
  const { data } = useQuery(STRIPE_MODE, { fetchPolicy: "cache-first", skip: isSandbox })
  const dashboard = data ? dashboardOf(data.paymentConfig.publishableKey) : null
  if (!dashboard) return <code>{intent}</code>
  return (
    <a href={`${dashboard}/payments/${encodeURIComponent(intent)}`} target="_blank" rel="noreferrer">
      <code>{intent}</code> at Stripe
    </a>
  )
}
