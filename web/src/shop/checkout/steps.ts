import type { OrderStatus } from "../../gql/graphql.ts"
import { messageOf } from "../../shared/failure.ts"
import { Store } from "../../shared/store.ts"
import type { IntentResult } from "./fate.ts"

export type Intent = Extract<IntentResult, { __typename: "PaymentIntent" }>

/** What went wrong before, and what it means. */
export interface Problem {
  title: string
  text: string
}

/** Where the customer stands, as far as this page knows. The order's own status, once it isn't pending, overrules it. */
export type Step =
  | { at: "preparing" }
  | { at: "form"; intent: Intent; problem: Problem | null; isAsking: boolean }
  | { at: "refused"; refusal: Exclude<IntentResult, Intent> }
  | { at: "unreachable"; message: string }
  | { at: "waiting" }
  | { at: "settled"; status: OrderStatus }

export const declined = (title: string): Problem => ({
  title,
  text: "Nothing was charged. Check the details or try another card.",
})
export const REFUSED_LATER = declined("Your bank refused the payment in the end.")
export const NOT_PAID: Problem = {
  title: "The order is not paid yet.",
  text: "The payment service’s answer was lost, so we asked how the order stands. You can pay now: an order is never charged twice.",
}
export const ASK_AGAIN_AFTER = 5_000 // milliseconds

/** Leads through a payment. Our server is asked first, always: it asks Stripe. What Stripe.js says are words at most. */
export class Steps extends Store<Step> {
  /** Asks our server to make the order payable, or how it stands. */
  #createIntent: () => Promise<IntentResult>
  /** The bank's words, for a customer who has just come back from it. */
  #words: () => Promise<Problem | null>
  #turn = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(createIntent: () => Promise<IntentResult>, words: () => Promise<Problem | null>) {
    super({ at: "preparing" })
    this.#createIntent = createIntent
    this.#words = words
  }

  /** From the beginning: the answer decides where that is. */
  prepare = async (problem: Problem | null = null): Promise<void> => {
    const turn = this.#next()
    this.set({ at: "preparing" })
    try {
      const step = stepAfter(await this.#createIntent(), problem)
      const isOpen = step.at === "form" && step.intent.status === "REQUIRES_PAYMENT_METHOD"
      const words = isOpen ? await this.#words() : null
      if (turn === this.#turn) this.set(isOpen && words ? { ...step, problem: words } : step)
    } catch (error) {
      if (turn === this.#turn) this.set({ at: "unreachable", message: messageOf(error) })
    }
  }

  /** After an answer that says nothing certain: asks until the server knows, with the form as it was. */
  ask = (): void => {
    const turn = this.#next()
    this.update((before) => (before.at === "form" ? { ...before, isAsking: true, problem: null } : before))
    const look = async () => {
      const result = await this.#createIntent().catch(() => null)
      if (turn !== this.#turn) return
      if (!result || saysNothing(result)) this.#timer = setTimeout(() => void look(), ASK_AGAIN_AFTER)
      else this.set(stepAfter(result, NOT_PAID))
    }
    void look()
  }

  confirmed = (): void => this.#go({ at: "waiting" })

  settled = (status: OrderStatus): void => this.#go({ at: "settled", status })

  /** Nothing that is still under way is heard any more. */
  stop = (): void => void this.#next()

  #go(step: Step): void {
    this.#next()
    this.set(step)
  }

  #next(): number {
    clearTimeout(this.#timer)
    return ++this.#turn
  }
}

/** A refusal that passes says nothing of a payment that may be under way. */
const saysNothing = (result: IntentResult): boolean =>
  result.__typename !== "PaymentIntent" && result.__typename !== "OrderNotPayable" && result.retryable

/** What createPaymentIntent's answer means for the page. An order that is paid already counts as success. */
export function stepAfter(result: IntentResult, problem: Problem | null): Step {
  switch (result.__typename) {
    case "PaymentIntent":
      return result.status === "PROCESSING" || result.status === "SUCCEEDED"
        ? { at: "waiting" }
        : { at: "form", intent: result, problem, isAsking: false }
    case "OrderNotPayable":
      return { at: "settled", status: result.orderStatus }
    case "OrderNotFound":
    case "AmountNotChargeable":
    case "PaymentInProgress":
    case "PaymentProviderUnavailable":
    case "RateLimited":
      return { at: "refused", refusal: result }
    default:
      // A refusal that the schema learned later; `never` proves that there is none today.
      return { at: "refused", refusal: result satisfies never }
  }
}
