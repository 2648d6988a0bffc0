const wanted = globalThis.navigator?.languages ?? []

/** The reader's languages, best first; those that this browser can't format are left out. */
export const LANGUAGES: string[] = Intl.DateTimeFormat.supportedLocalesOf([...wanted])
