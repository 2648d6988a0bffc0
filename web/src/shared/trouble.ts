import type { ApolloLink } from "@apollo/client"
import type { Failure } from "./failure.ts"
import { Store } from "./store.ts"

/** Why the server is being asked again, while it is. */
export const trouble = new Store<Failure | null>(null)
const repeated = new Map<ApolloLink.Operation, Failure>()

/** What `retrying` tells. Call it with `null` when the operation is over, however it ended. */
export function note(operation: ApolloLink.Operation, failure: Failure | null): void {
  if (failure) repeated.set(operation, failure)
  else repeated.delete(operation)
  trouble.set([...repeated.values()].at(-1) ?? null)
}
