import { useMutation } from "@apollo/client/react"
import { useRef, useState } from "react"
import { graphql } from "../../gql/index.ts"
import type { CreateOrderMutation } from "../../gql/graphql.ts"
import { type Attempt, didNothing, failureOf, messageOf } from "../../shared/failure.ts"
import { type CountedAmount, formatMoney } from "../../shared/money.ts"
import { Link } from "../parts/link.tsx"
import { Notice } from "../parts/notice.tsx"
import { SignInAgain } from "../parts/sign-in.tsx"
import { go } from "../route.ts"
import { user } from "../session.ts"
import { cart, renewKey, takeOrdered } from "./cart.ts"
import type { CheckedLine } from "./checked-lines.ts"

const CREATE_ORDER = graphql(/* GraphQL */ `
  mutation CreateOrder($input: CreateOrderInput!) {
    createOrder(input: $input) {
      __typename
      ... on Order { id ...OrderStanding ...OrderSummary }
      ... on IdempotencyKeyReused { orderId }
      ... on OrderTotalMismatch { sum { amount currency } }
      ... on ProductNotAvailable { productId }
      ... on RateLimited { retryAfter }
      ... on UserError { message code retryable }
    }
  }
`)

type Refusal = Exclude<NonNullable<CreateOrderMutation["createOrder"]>, { __typename: "Order" }>

/** Why there was no answer, and whether it is certain that no order came of it. */
type Failed = { error: unknown; isClear: boolean }

interface Props {
  lines: CheckedLine[]
  total: CountedAmount | null
  /** Asks the server for the lines' prices anew. */
  check: () => Promise<unknown>
  close: () => void
}

export function PlaceOrder({ lines, total, check, close }: Props) {
  const [createOrder, { loading }] = useMutation(CREATE_ORDER)
  const [refusal, setRefusal] = useState<Refusal | null>(null)
  const [failed, setFailed] = useState<Failed | null>(null)
  const busy = useRef(false)

  async function place() {
    if (busy.current || !total) return
    busy.current = true
    setRefusal(null)
    setFailed(null)
    const attempt: Attempt = { unclear: false }
    const items = lines.map(({ line: { productId, quantity } }) => ({ productId, quantity }))
    // With the total that was shown: another one is told before it is ordered.
    const { key } = cart.get()
    const who = user.get()?.id
    const input = { idempotencyKey: key, currency: total.currency, items, total: total.minorUnits }
    try {
      const { data } = await createOrder({ variables: { input }, context: { attempt } })
      const result = data?.createOrder
      if (!result) throw new Error("The server gave no answer.")
      if (result.__typename !== "Order") return refuse(result)
      takeOrdered(key, items)
      close()
      if (user.get()?.id === who) go({ page: "pay", id: result.id })
    } catch (error) {
      setFailed({ error, isClear: didNothing(error, attempt) })
    } finally {
      busy.current = false
    }
  }

  function refuse(result: Refusal) {
    setRefusal(result) // first: asking for the prices may take a minute, or fail
    if (result.__typename === "ProductNotAvailable" || result.__typename === "OrderTotalMismatch") void check().catch(() => null)
  }

  const orderAnew = () => {
    renewKey()
    void place()
  }
  return (
    <>
      {refusal && <WhyNot refusal={refusal} close={close} orderAnew={orderAnew} />}
      {failed && <Unanswered {...failed} signedIn={() => setFailed(null)} />}
      <button className="button wide" onClick={() => void place()} aria-disabled={loading || !total}>
        {loading ? "Placing your order…" : "Place order and pay"}
      </button>
    </>
  )
}

function Unanswered({ error, isClear, signedIn }: Failed & { signedIn: () => void }) {
  if (!isClear) {
    return (
      <Notice tone="bad" title="We can’t tell whether the order was placed.">
        <p>{messageOf(error)} Your cart is kept: place it again in a moment, and it is ordered once, not twice.</p>
        {failureOf(error) === "signed-out" && <SignInAgain signedIn={signedIn} />}
      </Notice>
    )
  }
  if (failureOf(error) === "signed-out") {
    return (
      <Notice tone="bad" title="You are signed out, and nothing was ordered.">
        <p>Your cart is kept. Sign in again, then place the order.</p>
        <SignInAgain signedIn={signedIn} />
      </Notice>
    )
  }
  return (
    <Notice tone="bad" title="Nothing was ordered.">
      <p>{messageOf(error)} Your cart is kept.</p>
    </Notice>
  )
}

function WhyNot({ refusal, close, orderAnew }: { refusal: Refusal; close: () => void; orderAnew: () => void }) {
  switch (refusal.__typename) {
    case "IdempotencyKeyReused":
      return (
        <Notice tone="wait" title="This cart was ordered before, with other things in it.">
          <p>
            <Link to={{ page: "order", id: refusal.orderId }} onFollow={close}>
              See that order
            </Link>
            , or
          </p>
          <button className="button small" onClick={orderAnew}>
            place this as another order
          </button>
        </Notice>
      )
    case "OrderTotalMismatch":
      return (
        <Notice tone="wait" title={`The total is now ${formatMoney(refusal.sum)}, and nothing was ordered.`}>
          <p>A price has just changed. Place the order again if you agree.</p>
        </Notice>
      )
    case "ProductNotAvailable":
      return (
        <Notice tone="bad" title="Something in your cart has just sold out, and nothing was ordered.">
          <p>Take it out, and order the rest.</p>
        </Notice>
      )
    case "InvalidOrder":
      return (
        <Notice tone="bad" title="This cart can’t be ordered.">
          <p>{refusal.message}</p>
        </Notice>
      )
    case "RateLimited":
      return (
        <Notice tone="wait" title="That was a little fast, and nothing was ordered.">
          <p>Please wait {refusal.retryAfter} seconds and place the order again.</p>
        </Notice>
      )
    default:
      return <Later refusal={refusal} />
  }
}

/** A refusal that the schema learned after this page was built; `never` proves that there is none today. */
function Later({ refusal }: { refusal: never }) {
  const { message } = refusal as { message: string }
  return <Notice tone="bad" title={message} />
}
