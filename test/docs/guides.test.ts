/**
 * The whole apps of docs/guides run as they stand there: `<!-- run: ... -->` above a block names what is tried with it. A block
 * that begins with "```ts file=..." is a file of the examples, whose tests are in test/examples.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { build } from "esbuild"
import { afterAll, describe, expect, it } from "vitest"
import { served, touring } from "./guides/harness.js"
import { betweenStores, changingTheKey, stopping } from "./guides/servers.js"
import {
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

const pages = readdirSync(guides).filter((page) => page !== "README.md")
const textOf = (page: string): string => readFileSync(join(guides, page), "utf8")

const shown = /^(```\w+ file=(\S+)\n)[\s\S]*?^```$/gm
const showing = pages.filter((page) => textOf(page).match(shown) !== null)

const examples = pages.flatMap((page) =>
  Array.from(
    textOf(page).matchAll(/<!-- run: (\w+) -->\n```ts\n([\s\S]*?)^```$/gm),
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
  cart: served(withCart),
  devices: served(overDevices),
  form: served(throughForm),
  intended: served(toTheIntendedPage),
  keys: touring(changingTheKey),
  moving: touring(betweenStores),
  remember: served(throughTime),
  stopping: touring(stopping)
}

it("every page has one whole app", () => {
  expect([...examples.map(({ page }) => page), ...showing].sort()).toEqual(pages.sort())
})

// Change the files. `npx vitest run test/docs/guides.test.ts -u` then writes them into the pages.
it.each(showing)("%s shows the files of its example as they are", async (page) => {
  const withFiles = textOf(page).replace(
    shown,
    (_, fence: string, file: string) => `${fence}${readFileSync(join(root, file), "utf8")}\`\`\``
  )

  await expect(withFiles).toMatchFileSnapshot(join(guides, page))
})

describe("the example runs", () => {
  // A busy machine takes a while to start the servers.
  it.each(examples)("$page", { timeout: 120_000 }, async ({ code, kind, page }) => {
    expect(Object.keys(tries)).toContain(kind)

    await tries[kind]?.(await compiled(page, code))
  })
})
