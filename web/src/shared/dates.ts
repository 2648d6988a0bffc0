import { LANGUAGES } from "./language.ts"

const SHORT = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "medium", timeStyle: "short" })

/** A date and time of ISO 8601, as the reader's language and time zone write it. */
export const shortDate = (iso: string): string => SHORT.format(new Date(iso))
