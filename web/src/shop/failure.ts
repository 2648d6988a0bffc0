import { CombinedGraphQLErrors, ServerError, ServerParseError } from "@apollo/client"

/** Why there is no answer: it was lost, the server gave up for lack of time, it is at fault, or it refused. */
export type Failure = "lost" | "late" | "fault" | "refused"

export function failureOf(error: unknown): Failure {
  if (CombinedGraphQLErrors.is(error)) {
    const codes = error.errors.map(({ extensions }) => extensions?.["code"])
    if (codes.includes("TIMEOUT")) return "late"
    if (codes.includes("SERVICE_UNAVAILABLE")) return "lost" // its database is away: nothing was done
    return codes.includes("INTERNAL_SERVER_ERROR") ? "fault" : "refused"
  }
  if (ServerError.is(error)) return error.statusCode < 500 ? "refused" : "lost"
  return error instanceof TypeError || ServerParseError.is(error) ? "lost" : "refused" // fetch's own is a TypeError
}

/** What a customer is told. What to do next is said where it is shown. */
export function messageOf(error: unknown): string {
  switch (failureOf(error)) {
    case "lost":
      return "The shop isn’t answering."
    case "late":
      return "The shop is very busy and did not finish in time."
    case "fault":
      return "Something went wrong in the shop."
    case "refused":
      return error instanceof Error ? error.message : String(error)
  }
}
