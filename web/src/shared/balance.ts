import type { RefundStatus } from "../gql/graphql.ts"
import { type CountedAmount, amountOf } from "./money.ts"

/** Of an order's money in one currency: what arrived, what went back or is on its way back, what banks took, what is left. */
export interface Balance {
  received: CountedAmount
  returned: CountedAmount
  /** Lost in disputes. */
  taken: CountedAmount
  left: CountedAmount
}

export interface MoneyHistory {
  payments: { received: CountedAmount }[]
  refunds: { status: RefundStatus; amount: CountedAmount }[]
  disputes: { status: string; amount: CountedAmount }[]
}

const isBack = ({ status }: { status: RefundStatus }): boolean => status !== "FAILED" && status !== "CANCELED"
const isLost = ({ status }: { status: string }): boolean => status === "lost"

/** In the currency of `like`. */
export function balanceOf({ payments, refunds, disputes }: MoneyHistory, like: CountedAmount): Balance {
  const sumOf = (amounts: CountedAmount[]) =>
    amounts.filter(({ currency }) => currency === like.currency).reduce((all, { minorUnits }) => all + minorUnits, 0)
  const received = sumOf(payments.map((payment) => payment.received))
  const returned = sumOf(refunds.filter(isBack).map(({ amount }) => amount))
  const taken = sumOf(disputes.filter(isLost).map(({ amount }) => amount))
  const left = Math.max(0, received - returned - taken)
  return { received: amountOf(received, like), returned: amountOf(returned, like), taken: amountOf(taken, like), left: amountOf(left, like) }
}

/** Whether banks gave back, after disputes, all that was here. */
export function isTaken(order: MoneyHistory, like: CountedAmount): boolean {
  const { taken, left } = balanceOf(order, like)
  return taken.minorUnits > 0 && left.minorUnits === 0
}
