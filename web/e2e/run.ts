// npm test [-- FILE …]: the unit tests and the browser tests, or those in files with these words in their names;
// ONLY='words' chooses by a test's name. It never ends without a verdict: Node's runner counts a file that exits early, or in which nothing
// ran, as passed.
import { readdir, rm, stat } from "node:fs/promises"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { run } from "node:test"
import { spec } from "node:test/reporters"
import { Demo } from "./demo.ts"

const LONGEST = 10 * 60_000 // milliseconds, for one file
const { ONLY } = process.env
const words = process.argv.slice(2)
const AT_ONCE = Math.ceil(availableParallelism() * 1.5) // files: a browser test mostly waits, for a server, a browser or a webhook
const units = await testsIn(join(import.meta.dirname, "../src"))
const inBrowser = await longestFirst(await testsIn(join(import.meta.dirname, ".")))
const files = [...inBrowser, ...units]
const template = inBrowser.length > 1 ? await makeTemplate() : null

/** What the demos of all files begin as. */
async function makeTemplate(): Promise<string> {
  const demo = await Demo.start()
  await demo.down()
  process.env.DEMO_TEMPLATE = demo.data
  return demo.data
}

async function longestFirst(names: string[]): Promise<string[]> {
  const sizes = await Promise.all(names.map(async (name) => ({ name, size: (await stat(name)).size })))
  return sizes.sort((one, other) => other.size - one.size).map(({ name }) => name)
}

async function testsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(".test.ts")).sort()
  return names.filter((name) => !words.length || words.some((word) => name.includes(word))).map((name) => join(folder, name))
}

let passed = 0
const problems = new Set(["the runner ended before its tests"])
process.on("exit", () => {
  if (!passed) problems.add("no test ran")
  if (problems.size) process.exitCode = 1
  console.log(problems.size ? `NOT PASSED: ${[...problems].join("; ")}` : `PASSED: ${passed} tests`)
})

const tests = run({ files, concurrency: AT_ONCE, timeout: LONGEST, ...(ONLY && { testNamePatterns: [ONLY] }) })
tests.on("test:pass", ({ name, skip, details }) => {
  if (files.includes(name)) problems.add(`${name} ended before its tests`)
  else if (skip === undefined && details.type !== "suite") passed += 1
})
tests.on("test:fail", ({ name }) => problems.add(name))
tests.once("end", () => {
  problems.delete("the runner ended before its tests")
  if (template) void rm(template, { recursive: true, force: true })
})
tests.compose<NodeJS.ReadableStream>(new spec()).pipe(process.stdout)
