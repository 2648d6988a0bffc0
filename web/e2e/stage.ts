import assert from "node:assert/strict"
import { after, afterEach, before, beforeEach } from "node:test"
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core"
import { type Watch, launch, launchWhole, open } from "./browser.ts"
import { Demo } from "./demo.ts"

export interface Stage {
  demo: Demo
  browser: Browser
  context: BrowserContext
  page: Page
  watch: Watch
  options: BrowserContextOptions
  whole: Browser | null
}

/** What stands beside the demo: settings that it is started with, and what begins once it is up. */
interface Beside {
  settings?: () => Promise<Record<string, string>>
  begin: (demo: Demo) => Promise<void>
}

/** One demo and one browser for a file, and a context and a page of its own for each test. */
export function stage(options: BrowserContextOptions = {}, beside?: Beside): Stage {
  const now = { options, whole: null } as Stage
  before(async () => {
    const settings = await beside?.settings?.()
    ;[now.demo, now.browser] = await Promise.all([Demo.start(settings), launch()])
    await beside?.begin(now.demo)
  })
  after(async () => {
    await now.browser?.close()
    await now.demo?.stop()
  })
  beforeEach(async () => {
    Object.assign(now, await open(now.browser, options))
  })
  afterEach(async () => {
    await now.context.close()
    await now.whole?.close()
    now.whole = null
    await now.demo.forgetFaults()
    assert.deepEqual(now.watch.problems, [])
  })
  return now
}

/** This test's page is one of a whole browser, with a back-forward cache. */
export async function inWholeBrowser(now: Stage): Promise<void> {
  await now.context.close()
  now.whole = await launchWhole()
  Object.assign(now, await open(now.whole, now.options))
}
