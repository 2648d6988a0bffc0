import { LANGUAGES } from "../../shared/language.ts"

const CLOCK = new Intl.DateTimeFormat(LANGUAGES, { timeStyle: "medium" })
const TODAY = new Intl.DateTimeFormat(LANGUAGES, { hour: "2-digit", minute: "2-digit" })
const THIS_YEAR = new Intl.DateTimeFormat(LANGUAGES, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })
const EARLIER = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "medium" })
const FULL = new Intl.DateTimeFormat(LANGUAGES, { dateStyle: "full", timeStyle: "long" })
const DAY_MS = 86_400_000

export const clockTime = (date: Date): string => CLOCK.format(date)

/** As short as it can be without being unclear: the time today, the day and the time this year, else the date. */
export function tableDate(iso: string, now = new Date()): string {
  const date = new Date(iso)
  if (date.toDateString() === now.toDateString()) return TODAY.format(date)
  return (date.getFullYear() === now.getFullYear() ? THIS_YEAR : EARLIER).format(date)
}

export const fullDate = (iso: string): string => FULL.format(new Date(iso))

/** As a field for a date and a time takes it, in the reader's time zone: `2026-11-26T10:05`, the minute that it lies in. */
export function fieldMinute(date: Date): string {
  const two = (number: number) => String(number).padStart(2, "0")
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`
}

/** From the midnight before a moment to the one after it, on the reader's own clock: 23 to 25 hours. */
export function dayOf(date: Date): { from: string; to: string } {
  const midnight = (days: number) => new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).toISOString()
  return { from: midnight(0), to: midnight(1) }
}

/** How far a date lies ahead or behind, in whole days by the calendar: `-1` is yesterday. */
export function daysUntil(iso: string, now = new Date()): number {
  const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime()
  return Math.round((midnight(new Date(iso)) - midnight(now)) / DAY_MS)
}

const RELATIVE = new Intl.RelativeTimeFormat(LANGUAGES.length ? LANGUAGES : "en", { numeric: "auto" })

/** `tomorrow`, `in 5 days`, `3 days ago`. */
export const inDays = (iso: string, now = new Date()): string => RELATIVE.format(daysUntil(iso, now), "day")

export const isOver = (iso: string, now = new Date()): boolean => new Date(iso) <= now
