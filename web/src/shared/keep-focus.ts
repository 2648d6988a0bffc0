// A button that is gone with what it did takes the focus with it: the next key press would begin at the top of the page.

const FOCUSABLE = 'button:not([disabled]), a[href], input:not([type="hidden"]), select, textarea, [tabindex="-1"]'

/** When what had the focus is taken out of the page, the focus goes to what is nearest of what is still there. */
export function keepFocusNear(): void {
  let around: Element[] = [] // what has the focus, and what it stands in, from the inside out
  addEventListener("focusin", ({ target }) => {
    around = target instanceof Element ? withAncestors(target) : []
  })
  new MutationObserver(() => {
    const [last] = around
    if (!last || last.isConnected || document.activeElement !== document.body) return
    const place = around.find((each) => each.isConnected && each.closest("main, dialog") && each.querySelector(FOCUSABLE))
    around = []
    // What opened a page of its own, as signing in does, leaves nothing: its heading is the beginning.
    const next = place?.querySelector<HTMLElement>(FOCUSABLE) ?? document.querySelector<HTMLElement>("h1[tabindex]")
    next?.focus()
  }).observe(document.body, { childList: true, subtree: true })
}

function withAncestors(element: Element): Element[] {
  const found: Element[] = []
  for (let each: Element | null = element; each && each !== document.documentElement; each = each.parentElement) found.push(each)
  return found
}
