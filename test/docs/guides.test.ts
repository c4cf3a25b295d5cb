/** The whole examples of docs/guides run as they stand there: `<!-- run: ... -->` above a block names what is tried with it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { build } from "esbuild"
import { afterAll, describe, expect, it } from "vitest"
import { served, touring } from "./guides/harness.js"
import { throughHandler, throughJson, throughPages } from "./guides/mounts.js"
import { betweenStores, changingTheKey, stopping } from "./guides/servers.js"
import { throughTests } from "./guides/tests.js"
import {
  acrossOrigins,
  asSomebodyElse,
  overDevices,
  throughForm,
  throughTime,
  toTheIntendedPage,
  withCart
} from "./guides/visitors.js"

const root = resolve(import.meta.dirname, "../..")
const guides = join(root, "docs/guides")

// Inside the project, so that the examples find their packages.
mkdirSync(join(root, ".data"), { recursive: true })
const directory = mkdtempSync(join(root, ".data/guides-"))
afterAll(() => rmSync(directory, { recursive: true }))

const examples = readdirSync(guides).flatMap((page) =>
  Array.from(
    readFileSync(join(guides, page), "utf8").matchAll(
      /<!-- run: (\w+) -->\n```ts\n([\s\S]*?)^```$/gm
    ),
    ([, kind = "", code = ""]) => ({ page, kind, code })
  )
)

/** Compiles an example against the source, and gives the file. */
const compiled = async (page: string, code: string): Promise<string> => {
  const outfile = join(directory, page.replace(/\.md$/, ".mjs"))
  await build({
    stdin: { contents: code, loader: "ts", resolveDir: root },
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    logLevel: "silent",
    plugins: [
      {
        name: "effect-session",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^effect-session/ }, ({ path }) => ({
            path: join(root, "src", `${path.split("/")[1] ?? "index"}.ts`)
          }))
      }
    ]
  })
  return outfile
}

/** What is tried with the file of an example. */
const tries: Record<string, (file: string) => Promise<void>> = {
  acting: served(asSomebodyElse),
  api: served(throughJson),
  cart: served(withCart),
  devices: served(overDevices),
  form: served(throughForm),
  handler: throughHandler,
  intended: served(toTheIntendedPage),
  keys: touring(changingTheKey),
  moving: touring(betweenStores),
  pages: served(throughPages),
  remember: served(throughTime),
  spa: served(acrossOrigins),
  stopping: touring(stopping),
  tests: throughTests
}

describe("the example runs", () => {
  it("of every page", () => {
    const pages = readdirSync(guides).filter((page) => page !== "README.md")

    expect(examples.map(({ page }) => page).sort()).toEqual(pages.sort())
  })

  // A busy machine takes a while to start the servers.
  it.each(examples)("$page", { timeout: 120_000 }, async ({ code, kind, page }) => {
    expect(Object.keys(tries)).toContain(kind)

    await tries[kind]?.(await compiled(page, code))
  })
})
