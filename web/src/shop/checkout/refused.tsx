import type { IntentResult } from "./fate.ts"
import { type CountedAmount, formatMoney } from "../../shared/money.ts"
import { Link } from "../parts/link.tsx"
import { Notice } from "../parts/notice.tsx"
import { Result, ToOrders } from "./result.tsx"

type Refusal = Exclude<IntentResult, { __typename: "PaymentIntent" }>

/** Why the order can't be paid now. None of it says that nothing was charged: an earlier payment may be under way. */
export function Refused({ refusal, retry }: { refusal: Refusal; retry: () => void }) {
  const again = (
    <button className="button" onClick={retry}>
      Try again
    </button>
  )
  switch (refusal.__typename) {
    case "OrderNotFound":
      return (
        <Notice tone="bad" title="We can’t find this order.">
          <p>It may belong to another account. Check who you are shopping as, or whether the link is whole.</p>
          <ToOrders />
        </Notice>
      )
    case "OrderNotPayable":
      return <Result status={refusal.orderStatus} id="" order={null} />
    case "AmountNotChargeable":
      return <NotChargeable {...refusal} />
    case "PaymentInProgress":
      return (
        <Notice tone="wait" title="A payment of this order is already under way.">
          <p>Perhaps in another tab. Nothing is charged twice; look again in a moment.</p>
          {again}
        </Notice>
      )
    case "PaymentProviderUnavailable":
      return (
        <Notice tone="bad" title="The payment service isn’t answering.">
          <p>
            Your order is kept. If you have paid it already, it turns to “Paid” by itself.
          </p>
          {refusal.retryable && again}
        </Notice>
      )
    case "RateLimited":
      return (
        <Notice tone="wait" title="That was a little fast.">
          <p>Please wait {refusal.retryAfter} seconds, then try again.</p>
          {again}
        </Notice>
      )
    default:
      return (
        <Notice tone="bad" title={(refusal satisfies never as { message: string }).message}>
          {again}
        </Notice>
      )
  }
}

function NotChargeable({ amount, minimum, maximum }: { amount: CountedAmount; minimum: CountedAmount; maximum: CountedAmount }) {
  const back = (
    <Link className="button" to={{ page: "shop" }}>
      Back to the shop
    </Link>
  )
  if (amount.minorUnits < minimum.minorUnits) {
    return (
      <Notice tone="bad" title="The total is too small to pay by card.">
        <p>Cards take {formatMoney(minimum)} and more: put something else into the cart and order again.</p>
        {back}
      </Notice>
    )
  }
  if (amount.minorUnits > maximum.minorUnits) {
    return (
      <Notice tone="bad" title="The total is too large to pay by card.">
        <p>Cards take {formatMoney(maximum)} at most: place several smaller orders.</p>
        {back}
      </Notice>
    )
  }
  return (
    <Notice tone="bad" title={`${formatMoney(amount)} can’t be paid by card.`}>
      <p>The payment service takes no such amount. Put something else into the cart and order again.</p>
      {back}
    </Notice>
  )
}
