import type { Config } from "../../shared/config.ts"
import { standAt } from "../route.ts"
import { type Refused, type Visitor, signIn, whose } from "../session.ts"
import { type Attempt, takeAttempt } from "./attempts.ts"
import { handOver } from "./windows.ts"

/** What came of a sign-in that ended at this page: nothing to say, a problem, or that another window has it. */
export type Arrival = "elsewhere" | SignInFailure | null

export interface SignInFailure {
  problem: string
  /** Whether it was the wrong account, so that the next sign-in asks which. */
  isAccount: boolean
}

const FOREIGN: SignInFailure = { problem: "This sign-in was not begun in this tab, or was used already. Nobody was signed in: sign in again.", isAccount: false }

const answerIn = (query: URLSearchParams): boolean => query.has("state") && (query.has("code") || query.has("error"))

/** Whether the address holds a sign-in service's answer. */
export const isArriving = (): boolean => answerIn(new URLSearchParams(location.search))

/** Takes the answer out of the address, where there is one, and goes on with it. */
export async function arrive(config: Config): Promise<Arrival> {
  const answer = new URLSearchParams(location.search)
  if (!answerIn(answer)) return null
  const attempt = takeAttempt(answer.get("state"))
  standAt(attempt?.back ?? "/desk/") // a code stays in no history
  if (!config.signIn) return null
  if (!attempt) return (await handOver(answer)) ? "elsewhere" : FOREIGN
  const found = await visitorOf(config, attempt, answer)
  if ("problem" in found) return found
  signIn(found)
  return null
}

/** Who is signed in by this answer; why nobody is, otherwise. */
export async function visitorOf({ signIn: service, graphql }: Config, attempt: Attempt, answer: URLSearchParams): Promise<Visitor | SignInFailure> {
  if (!service) return FOREIGN
  const oidc = await import("./oidc.ts")
  try {
    const { token, name, until } = await oidc.finish(service, attempt, answer)
    const who = await whose(graphql, token)
    return typeof who === "string" ? { problem: WHY[who](name), isAccount: who === "customer" } : { ...who, name, until }
  } catch (error) {
    return { problem: oidc.inWords(error), isAccount: false }
  }
}

const WHY: Record<Refused, (name: string) => string> = {
  customer: (name) => `${name} may not use the desk: that account has no merchant’s role. Ask who manages the accounts, or sign in with another one.`,
  unknown: () => "You are signed in there, but this server does not take that token. Ask who runs it to compare JWT_AUDIENCE and JWT_ISSUER with what the token says.",
  checkout: () => "That is a checkout token, for one order.",
  lost: () => "You are signed in there, but the shop’s server isn’t answering. Try again in a moment.",
}
