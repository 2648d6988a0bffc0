import { CombinedGraphQLErrors, ServerError, ServerParseError } from "@apollo/client"

/**
 * Why there is no answer. `lost`, `late` and `fault` leave open whether it was done; `signed-out` and `refused` say that
 * this call did nothing.
 */
export type Failure = "lost" | "late" | "fault" | "signed-out" | "refused"

/** The call was begun by somebody who has left meanwhile: it is not sent as whoever came next. */
export class AnotherPerson extends Error {}

export function failureOf(error: unknown): Failure {
  if (CombinedGraphQLErrors.is(error)) return failureByCodes(error.errors.map(({ extensions }) => extensions?.["code"]))
  if (ServerError.is(error)) return error.statusCode < 500 ? "refused" : "lost"
  if (error instanceof AnotherPerson) return "refused"
  // fetch's own are a TypeError, and the TimeoutError of its signal. Of anything else nobody knows what was done.
  return error instanceof TypeError || ServerParseError.is(error) || isTimeout(error) ? "lost" : "fault"
}

function failureByCodes(codes: unknown[]): Failure {
  if (codes.includes("TIMEOUT")) return "late"
  if (codes.includes("SERVICE_UNAVAILABLE")) return "lost" // its database is away: nothing was done
  if (codes.includes("UNAUTHENTICATED")) return "signed-out"
  return codes.includes("INTERNAL_SERVER_ERROR") || !codes.every(Boolean) ? "fault" : "refused"
}

const isTimeout = (error: unknown): boolean => error instanceof DOMException && error.name === "TimeoutError"

/** Passed as `context: { attempt }`: whether one of the calls left open if it was done. A later refusal can't tell. */
export interface Attempt {
  unclear: boolean
}

/** Whether it is certain that nothing was done, by any of the calls. */
export const didNothing = (error: unknown, { unclear }: Attempt): boolean =>
  !unclear && ["refused", "signed-out"].includes(failureOf(error))

/** What a customer is told. What to do next is said where it is shown. The server's own words are for developers. */
export const messageOf = (error: unknown): string => MESSAGES[failureOf(error)]

const MESSAGES: Record<Failure, string> = {
  lost: "The shop isn’t answering.",
  late: "The shop is very busy and did not finish in time.",
  fault: "Something went wrong in the shop.",
  "signed-out": "You are signed out.",
  refused: "The shop did not accept this.",
}

/** The server knows the caller, and this caller may not do this. */
export const isForbidden = (error: unknown): boolean =>
  CombinedGraphQLErrors.is(error) && error.errors.some(({ extensions }) => extensions?.["code"] === "FORBIDDEN")

/** More was asked for than one call may cost: a smaller page may do. */
export const isTooMuch = (error: unknown): boolean =>
  CombinedGraphQLErrors.is(error) && error.errors.some(({ extensions }) => extensions?.["reason"] === "TOO_COSTLY")
