import type { Appearance, Stripe, StripeElements, StripeError } from "@stripe/stripe-js"
import type { Config } from "../../shared/config.ts"
import { record } from "../developer/recorder.ts"

let loading: Promise<Stripe> | null = null
export const LOADS_WITHIN = 20_000 // milliseconds; it may be blocked without a word

/** Stripe.js, loaded once: Stripe's own or the sandbox's, which has the same calls. A failed load may be tried again. */
export function loadStripe(config: Config): Promise<Stripe> {
  loading ??= new Promise<Stripe>((resolve, reject) => {
    const script = document.createElement("script")
    const missing = () => {
      script.remove()
      reject(new Error("Stripe.js could not be loaded."))
    }
    script.src = config.stripeJs
    const late = setTimeout(missing, LOADS_WITHIN)
    script.onload = () => {
      clearTimeout(late)
      try {
        resolve(window.Stripe!(config.publishableKey)) // throws for what is no key
      } catch {
        missing()
      }
    }
    script.onerror = missing
    document.head.append(script)
  }).catch((error: unknown) => {
    loading = null
    throw error
  })
  return loading
}

/** The page's own look, in the words Stripe.js understands. */
export function appearance(): Appearance {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches
  return {
    theme: dark ? "night" : "stripe",
    variables: {
      colorPrimary: dark ? "#8fd0b0" : "#1f4d3d",
      colorBackground: dark ? "#16191c" : "#ffffff",
      colorText: dark ? "#f1ede4" : "#1f1d1a",
      colorDanger: dark ? "#ff9d8a" : "#a8321c",
      fontFamily: '"Instrument Sans Variable", system-ui, sans-serif',
      borderRadius: "12px",
    },
  }
}

export type Outcome =
  | { kind: "confirmed" }
  /** A field is not right, and Stripe.js says so beside it. */
  | { kind: "mistake" }
  /** The bank or Stripe refused this card: this attempt charged nothing. */
  | { kind: "declined"; message: string }
  /** Everything else: the answer is lost, or the payment moved on elsewhere. Only our server knows. */
  | { kind: "unclear" }

export function outcomeOf(error: Pick<StripeError, "type" | "message">): Outcome {
  if (error.type === "validation_error") return { kind: "mistake" }
  if (error.type === "card_error") return { kind: "declined", message: error.message ?? "Your card was declined." }
  return { kind: "unclear" }
}

/** Lets the customer pay. A bank that wants to see them takes the page away, and sends it back to `returnUrl`. */
export async function confirm(stripe: Stripe, elements: StripeElements, returnUrl: string): Promise<Outcome> {
  const finish = record({
    kind: "stripe.js",
    name: "confirmPayment",
    source: 'await stripe.confirmPayment({\n  elements,\n  confirmParams: { return_url },\n  redirect: "if_required",\n})',
    variables: { return_url: returnUrl },
  })
  try {
    const answer = await stripe.confirmPayment({ elements, confirmParams: { return_url: returnUrl }, redirect: "if_required" })
    finish(answer)
    return answer.error ? outcomeOf(answer.error) : { kind: "confirmed" }
  } catch (error) {
    finish({ error: String(error) })
    return { kind: "unclear" }
  }
}

/** The bank's words for a refusal, for a customer who has just come back from it; `null` when there are none. */
export async function declineOf(stripe: Stripe, clientSecret: string): Promise<string | null> {
  const finish = record({
    kind: "stripe.js",
    name: "retrievePaymentIntent",
    source: "await stripe.retrievePaymentIntent(clientSecret)",
    variables: { clientSecret },
  })
  const answer = await stripe.retrievePaymentIntent(clientSecret)
  finish(answer)
  return answer.paymentIntent?.last_payment_error?.message ?? null
}
