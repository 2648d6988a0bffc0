import type { RefundStatus } from "../gql/graphql.ts"
import { type CountedAmount, amountOf } from "./money.ts"

/** What arrived of an order's money in one currency, what of it went back or is on its way back, and what is left. */
export interface Balance {
  received: CountedAmount
  returned: CountedAmount
  left: CountedAmount
}

export interface MoneyHistory {
  payments: { received: CountedAmount }[]
  refunds: { status: RefundStatus; amount: CountedAmount }[]
}

const isBack = ({ status }: { status: RefundStatus }): boolean => status !== "FAILED" && status !== "CANCELED"

/** In the currency of `like`. */
export function balanceOf({ payments, refunds }: MoneyHistory, like: CountedAmount): Balance {
  const sumOf = (amounts: CountedAmount[]) =>
    amounts.filter(({ currency }) => currency === like.currency).reduce((all, { minorUnits }) => all + minorUnits, 0)
  const received = sumOf(payments.map((payment) => payment.received))
  const returned = sumOf(refunds.filter(isBack).map((refund) => refund.amount))
  return { received: amountOf(received, like), returned: amountOf(returned, like), left: amountOf(received - returned, like) }
}
