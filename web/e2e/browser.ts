import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page, chromium } from "playwright-core"

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8")
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]

const start = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: FLAGS, ignoreDefaultArgs: ["--disable-back-forward-cache"] })

/** The same engine without windows, tabs and menus: our tests take three fifths of the CPU in it. */
export const launch = () => start(process.env.CHROMIUM_SHELL ?? "/usr/bin/chromium-headless-shell")

/** All of it, with the back-forward cache that people have: the driver would switch it off, and the shell has none. */
export const launchWhole = () => start(process.env.CHROMIUM ?? "/usr/bin/chromium")

/** What no page may do. `expected` lists console errors that a test provokes. */
export class Watch {
  readonly problems: string[] = []
  expected: RegExp[] = []

  async over(context: BrowserContext): Promise<void> {
    await context.exposeBinding("__violation", (_, what: string) => void this.problems.push(`CSP: ${what}`))
    await context.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        const tell = (globalThis as unknown as { __violation: (what: string) => void }).__violation
        tell(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`)
      })
    })
    context.on("request", (request) => {
      const { protocol, hostname } = new URL(request.url())
      if (protocol.startsWith("http") && hostname !== "127.0.0.1") this.problems.push(`left loopback: ${request.url()}`)
    })
    context.on("console", (message) => {
      if (message.type() === "error") this.#note(`console: ${message.text()} (${message.location().url})`)
    })
    context.on("weberror", (error) => this.#note(`uncaught: ${error.error().stack ?? error.error().message}`))
  }

  #note(problem: string): void {
    if (!this.expected.some((pattern) => pattern.test(problem))) this.problems.push(problem)
  }
}

export async function open(browser: Browser, options: BrowserContextOptions = {}) {
  const watch = new Watch()
  // Motion is drawn sixty times a second by the CPU, a tenth of what these tests take of it.
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce", ...options })
  context.setDefaultTimeout(Number(process.env.PATIENCE ?? 15_000)) // milliseconds
  await watch.over(context)
  const page = await context.newPage()
  return { context, page, watch }
}

/** What axe finds that is serious or critical, one line each. */
export async function faultsByAxe(page: Page, except: { rules?: string[]; parts?: string[] } = {}): Promise<string[]> {
  for (const frame of page.frames()) await frame.evaluate(AXE) // here alone: half a megabyte of script for each frame of each page
  const found = await page.evaluate(async ({ rules: off = [], parts = [] }) => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") }
    const rules = Object.fromEntries(off.map((rule) => [rule, { enabled: false }]))
    const { violations } = await axe.run({ include: [["html"]], exclude: parts.map((part) => [part]) }, { rules })
    return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`) }))
  }, except)
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, where }) => `${id}: ${where.slice(0, 4).join(" | ")}`)
}

/** Presses Enter on a button that takes no press in its first moment. */
export async function answer(button: Locator): Promise<void> {
  await button.and(button.page().locator('[aria-disabled="false"]')).press("Enter")
}
