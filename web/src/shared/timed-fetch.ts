const LONGEST = 30_000 // milliseconds: longer than the server takes for any answer

/** `fetch` that gives up: a connection that died without a word brings neither an answer nor an error, for many minutes. */
export const timedFetch =
  (longest = LONGEST): typeof fetch =>
  (input, init) => {
    if (!("any" in AbortSignal)) return fetch(input, init) // a browser from before 2024
    const ends = [AbortSignal.timeout(longest), ...(init?.signal ? [init.signal] : [])]
    return fetch(input, { ...init, signal: AbortSignal.any(ends) })
  }
