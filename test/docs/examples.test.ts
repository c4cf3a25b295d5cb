/**
 * The TypeScript of the Markdown pages type-checks, so the pages are right about names and types. A block with imports is
 * checked as a file. A block without imports is checked as the body of a handler, with the names of `prelude` in scope. An
 * HTML comment `<!-- declare ... -->` right above a block declares further names for it.
 */
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { describe, expect, it } from "vitest"
import { languageServiceOf, programOf, root } from "../support/languageService.js"

const prelude = `
import * as Platform from "@effect/platform"
import { HttpRouter, HttpLayerRouter, HttpServer, HttpServerResponse, HttpServerRequest } from "@effect/platform"
import { NodeContext, NodeHttpServer, NodeRuntime } from "@effect/platform-node"
import { Clock, Config, DateTime, Duration, Effect, Layer, Option, Redacted, Schema, Stream } from "effect"
import { Csrf, FileSystemSessionStore, Session, SessionAdmin, SessionConfig, SessionEvents, SessionGc, SessionGuard, SessionMiddleware, SessionStore } from "effect-session"
`

interface Block {
  readonly page: string
  readonly line: number
  readonly declarations: string
  readonly code: string
}

const pages = [
  "README.md",
  "SECURITY.md",
  ...readdirSync(join(root, "docs"), { encoding: "utf8", recursive: true }).flatMap((name) =>
    name.endsWith(".md") ? [join("docs", name)] : []
  )
]

const blocksOf = (page: string): ReadonlyArray<Block> => {
  const text = readFileSync(join(root, page), "utf8")
  return Array.from(
    text.matchAll(/(?:<!-- (declare[\s\S]*?) -->\s*)?^```ts\n([\s\S]*?)^```$/gm),
    ({ index, 1: declarations = "", 2: code = "" }) => ({
      page,
      line: text.slice(0, index).split("\n").length,
      declarations,
      code
    })
  )
}

const sourceOf = ({ code, declarations }: Block): string =>
  /^import /m.test(code)
    ? `${code}\nexport {}`
    : `${prelude}${declarations}\nexport const body = Effect.gen(function* () {\n${code}\n})`

const blocks = pages.flatMap(blocksOf)
const fileOf = (block: Block) => join(root, "page-examples", `${blocks.indexOf(block)}.ts`)

describe("the examples of the pages type-check", () => {
  const sources = new Map(blocks.map((block) => [fileOf(block), sourceOf(block)]))
  const program = programOf(languageServiceOf(sources))

  for (const block of blocks) {
    it(`${block.page}, line ${block.line}`, () => {
      const file = program.getSourceFile(fileOf(block))

      const found = ts.getPreEmitDiagnostics(program, file)

      const messages = found.map(({ messageText }) =>
        ts.flattenDiagnosticMessageText(messageText, "\n")
      )
      expect(messages).toEqual([])
    })
  }
})
