import { useEffect } from "react"
import { KeptStore } from "../shared/kept-store.ts"
import { SEARCH_ID } from "./search.tsx"
import { type Route, go } from "./route.ts"

/** Whether single keys do something. Those who speak to their computer, or whose keys slip, switch it off. */
export const keysOn = new KeptStore<boolean>("paygraph.desk.keys", (kept) => kept !== false)

const PAGES: Record<string, { route: Route; name: string }> = {
  h: { route: { page: "home" }, name: "home" },
  o: { route: { page: "orders", filter: { view: "all" } }, name: "orders" },
  d: { route: { page: "disputes" }, name: "disputes" },
  p: { route: { page: "products" }, name: "products" },
  w: { route: { page: "webhooks" }, name: "webhooks" },
  k: { route: { page: "keys" }, name: "service keys" },
}

export const SHORTCUTS: [keys: string, does: string][] = [
  ["/", "search"],
  ["j", "next row"],
  ["k", "row before"],
  ["Enter", "open the row"],
  ...Object.entries(PAGES).map(([key, { name }]): [string, string] => [`g ${key}`, `go to ${name}`]),
  ["?", "these keys"],
]

const SECOND_KEY = 1_500 // milliseconds in which the key after `g` counts

export function useShortcuts(showHelp: () => void): void {
  useEffect(() => {
    let goesUntil = 0
    const pressed = (event: KeyboardEvent) => {
      if (!keysOn.get() || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return
      const page = event.timeStamp < goesUntil ? PAGES[event.key] : undefined
      goesUntil = event.key === "g" ? event.timeStamp + SECOND_KEY : 0
      if (page) go(page.route)
      else if (event.key === "/") document.getElementById(SEARCH_ID)?.focus()
      else if (event.key === "j") moveRow(1)
      else if (event.key === "k") moveRow(-1)
      else if (event.key === "?") showHelp()
      else return
      event.preventDefault()
    }
    addEventListener("keydown", pressed)
    return () => removeEventListener("keydown", pressed)
  }, [showHelp])
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))

/** The focus itself moves, so that Enter, a screen reader and the eye agree about the row. */
function moveRow(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")]
  const here = rows.findIndex((row) => row === document.activeElement || row.closest("tr")?.contains(document.activeElement))
  const next = rows[here < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, here + step))]
  next?.focus()
  next?.scrollIntoView({ block: "nearest" })
}
