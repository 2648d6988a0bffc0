import type { Appearance, Stripe, StripeElements } from "@stripe/stripe-js"
import type { Config } from "../config.ts"
import { record } from "./recorder.ts"

let loading: Promise<Stripe> | null = null

/** Stripe.js, loaded once: Stripe's own or the sandbox's, which has the same calls. A failed load may be tried again. */
export function loadStripe(config: Config): Promise<Stripe> {
  loading ??= new Promise<Stripe>((resolve, reject) => {
    const script = document.createElement("script")
    script.src = config.stripeJs
    script.onload = () => (window.Stripe ? resolve(window.Stripe(config.publishableKey)) : reject(new Error(MISSING)))
    script.onerror = () => {
      script.remove()
      reject(new Error(MISSING))
    }
    document.head.append(script)
  }).catch((error: unknown) => {
    loading = null
    throw error
  })
  return loading
}

const MISSING = "The card form could not be loaded. Check your connection and try again."

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
  | { kind: "confirmed"; status: string }
  | { kind: "refused"; message: string; field: boolean }

/** Lets the customer pay. A bank that wants to see them takes the page away, and sends it back to `returnUrl`. */
export async function confirm(stripe: Stripe, elements: StripeElements, returnUrl: string): Promise<Outcome> {
  const finish = record({
    kind: "stripe.js",
    name: "confirmPayment",
    source: 'await stripe.confirmPayment({\n  elements,\n  confirmParams: { return_url },\n  redirect: "if_required",\n})',
    variables: { return_url: returnUrl },
  })
  const answer = await stripe.confirmPayment({ elements, confirmParams: { return_url: returnUrl }, redirect: "if_required" })
  finish(answer)
  if (answer.error) {
    const message = answer.error.message ?? "The payment did not go through."
    return { kind: "refused", message, field: answer.error.type === "validation_error" }
  }
  return { kind: "confirmed", status: answer.paymentIntent.status }
}

/** What became of a payment whose customer has just come back from the bank. */
export async function returned(stripe: Stripe, clientSecret: string): Promise<Outcome> {
  const finish = record({
    kind: "stripe.js",
    name: "retrievePaymentIntent",
    source: "await stripe.retrievePaymentIntent(clientSecret)",
    variables: { clientSecret },
  })
  const answer = await stripe.retrievePaymentIntent(clientSecret)
  finish(answer)
  if (answer.error) return { kind: "refused", message: answer.error.message ?? "", field: false }
  const { status, last_payment_error: problem } = answer.paymentIntent
  if (status !== "requires_payment_method") return { kind: "confirmed", status }
  return { kind: "refused", message: problem?.message ?? "The payment was not approved.", field: false }
}
