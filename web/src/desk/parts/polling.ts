/** How a page keeps up: it asks every quarter of a minute while somebody can see it. */
export const POLL = { pollInterval: 15_000, skipPollAttempt: () => document.hidden || !navigator.onLine }
