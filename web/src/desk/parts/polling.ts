import { useEffect } from "react"
import { isForbidden } from "../../shared/failure.ts"
import { ended } from "../session.ts"

/** How a page keeps up: it asks every quarter of a minute while somebody can see it. */
export const POLL = { pollInterval: 15_000, skipPollAttempt: () => document.hidden || !navigator.onLine || ended.get() }

/** What is forbidden stays so: it is not asked for again. */
export function useRestWhenForbidden({ error, stopPolling }: { error?: unknown; stopPolling: () => void }): void {
  useEffect(() => {
    if (isForbidden(error)) stopPolling()
  }, [error, stopPolling])
}
