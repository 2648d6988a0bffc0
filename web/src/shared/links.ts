import { ApolloLink, CombinedGraphQLErrors } from "@apollo/client"
import { RetryLink } from "@apollo/client/link/retry"
import { type Observable, catchError, concatMap, from, map, of, throwError } from "rxjs"
import { AnotherPerson, type Attempt, type Failure, failureOf } from "./failure.ts"

/** How often a failure is met with another call: most of a minute while a server restarts, less when it is too busy. */
const ATTEMPTS: Record<Failure, number> = { lost: 24, late: 3, fault: 2, "signed-out": 1, refused: 1 }

/**
 * Repeats what may be repeated. Each pause is a random part of one that doubles, up to four seconds: those who were cut
 * off don't come back at once. `note` hears why it is being repeated, and `null` once it isn't any more.
 */
export function retrying(note: (operation: ApolloLink.Operation, failure: Failure | null) => void): ApolloLink {
  return new RetryLink({
    delay: { initial: 300, max: 4_000, jitter: true },
    attempts: (count, operation, error) => {
      const failure = failureOf(error)
      const repeat = count < ATTEMPTS[failure] && isSafeToRepeat(operation)
      const attempt = operation.getContext()["attempt"] as Attempt | undefined
      if (attempt && failure !== "signed-out" && failure !== "refused") attempt.unclear = true
      note(operation, repeat ? failure : null)
      return repeat
    },
  })
}

/**
 * Queries, and mutations too: an order has one intent and is canceled once; what is made or given back has its key. What
 * would be done a second time says so with `context: { once: true }`.
 */
function isSafeToRepeat(operation: ApolloLink.Operation): boolean {
  if (operation.getContext()["once"] === true) return false
  const input = operation.variables["input"] as { idempotencyKey?: string | null } | undefined
  return !input || Boolean(input.idempotencyKey)
}

/** The server says in `errors`, as an answer, that it gave up or knows no caller. Links repeat what fails, so it fails. */
export const failing = new ApolloLink((operation, forward) =>
  forward(operation).pipe(
    map((answer) => {
      if (!answer.errors?.length) return answer
      const error = new CombinedGraphQLErrors(answer)
      if (failureOf(error) === "refused") return answer
      throw error
    }),
  ),
)

/** Whom the page speaks for: the same person may get another token. */
export interface Speaker {
  who: string
  token: string
}

const speakerOf = (operation: ApolloLink.Operation) => operation.getContext()["speaker"] as Speaker | null | undefined

/** Sends the token that is there at the moment of the call. What one person began is not repeated as another one. */
export const signing = (speaker: () => Speaker | null): ApolloLink =>
  new ApolloLink((operation, forward) => {
    const before = speakerOf(operation)
    const now = speaker()
    if (before !== undefined && before?.who !== now?.who) return throwError(() => new AnotherPerson("Somebody else is here now."))
    operation.setContext({ speaker: now, ...(now && { headers: { authorization: `Bearer ${now.token}` } }) })
    return forward(operation)
  })

/** A token may end while the page is open: the call is sent once more with another one, if there is or will be one. */
export const renewing = (speaker: () => Speaker | null, signInAgain: () => Promise<boolean>, signedOut: () => void): ApolloLink =>
  new ApolloLink((operation, forward) => {
    const end = (error: unknown) => {
      if (failureOf(error) === "signed-out" && speakerOf(operation)?.who === speaker()?.who) signedOut()
      return throwError(() => error)
    }
    const again = (error: unknown): Observable<ApolloLink.Result> => {
      const sent = speakerOf(operation)
      const now = speaker()
      if (failureOf(error) !== "signed-out" || sent?.who !== now?.who) return throwError(() => error)
      const renewed = sent?.token === now?.token ? from(signInAgain()) : of(true) // another call may have brought one
      return renewed.pipe(concatMap((isNew) => (isNew ? forward(operation).pipe(catchError(end)) : end(error))))
    }
    return forward(operation).pipe(catchError(again))
  })
