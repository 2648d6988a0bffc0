import { CombinedGraphQLErrors, ServerError, ServerParseError } from "@apollo/client"

/**
 * Why there is no answer. `lost`, `late` and `fault` leave open whether it was done; `signed-out` and `refused` say that
 * this call did nothing.
 */
export type Failure = "lost" | "late" | "fault" | "signed-out" | "refused"

export function failureOf(error: unknown): Failure {
  if (CombinedGraphQLErrors.is(error)) {
    const codes = error.errors.map(({ extensions }) => extensions?.["code"])
    if (codes.includes("TIMEOUT")) return "late"
    if (codes.includes("SERVICE_UNAVAILABLE")) return "lost" // its database is away: nothing was done
    if (codes.includes("UNAUTHENTICATED")) return "signed-out"
    return codes.includes("INTERNAL_SERVER_ERROR") ? "fault" : "refused"
  }
  if (ServerError.is(error)) return error.statusCode < 500 ? "refused" : "lost"
  return error instanceof TypeError || ServerParseError.is(error) ? "lost" : "refused" // fetch's own is a TypeError
}

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
