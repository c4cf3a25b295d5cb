/** The pages of docs/reference, and those that are made for the site, are true of the source. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as HttpServerRespondable from "@effect/platform/HttpServerRespondable"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { beforeAll, describe, expect, it } from "vitest"
import { modules, repository } from "../../docs/.vitepress/repository.js"
import { errorsOf, errorsPage, type PublicError } from "../../scripts/reference/errors.js"
import { type Module, modulesOf } from "../../scripts/reference/exports.js"
import { pageOf } from "../../scripts/reference/page.js"
import { settingsOf, settingsPage } from "../../scripts/reference/settings.js"
import * as Root from "../../src/index.js"
import { defaults } from "../../src/internal/config/model.js"
import * as Errors from "../../src/internal/errors/errors.js"

const read = (path: string): string => readFileSync(join(repository, path), "utf8")

const stale = "The source has changed: run npm run docs:reference."

describe("docs/reference/settings.md", () => {
  const page = read("docs/reference/settings.md")

  it("is what the source says", () => {
    expect(page, stale).toBe(settingsPage(repository))
  })

  it("has every setting", () => {
    const { cookie, ...others } = defaults
    const names = [...Object.keys(others), ...Object.keys(cookie).map((name) => `cookie.${name}`)]

    expect(
      settingsOf(repository)
        .map(({ name }) => name)
        .sort()
    ).toEqual(names.sort())
  })

  it("names every variable that is read", () => {
    const source = read("src/internal/config/environment.ts") + read("src/internal/env/choice.ts")
    const variables = Array.from(
      source.matchAll(/(?:text|flag|secret)\("([A-Z_]+)"\)/g),
      ([, name]) => name
    )

    expect(variables.length).toBeGreaterThan(15)
    expect(variables.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })
})

describe("docs/reference/errors.md", () => {
  let errors: ReadonlyArray<PublicError>

  beforeAll(async () => {
    errors = await errorsOf(repository, modules)
  }, 60_000)

  it("is what the source says", () => {
    expect(read("docs/reference/errors.md"), stale).toBe(errorsPage(errors))
  })

  it("has docs for each error", () => {
    expect(errors.filter(({ docs }) => docs === "")).toEqual([])
  })

  it.each([
    new Errors.SessionConflict({ operation: "commit", reason: "" }),
    new Errors.SessionDecodeError({ key: "" }),
    new Errors.SessionEncodeError({ operation: "put", key: "", reason: "" }),
    new Errors.SessionKeyError({ operation: "put", key: "", reason: "" }),
    new Errors.SessionReauthenticationRequired({ reason: "stale" }),
    new Errors.SessionRefused({ reason: "limit" }),
    new Errors.SessionStoreError({ operation: "find", reason: "timeout" }),
    new Errors.SessionTypeError({ operation: "push", key: "", reason: "" }),
    new Errors.SessionUnauthenticated()
  ])("has the status that $_tag is answered with", async (error) => {
    const response = await Effect.runPromise(
      Effect.provide(HttpServerRespondable.toResponse(error), Logger.remove(Logger.defaultLogger))
    )

    const told = errors.find(({ tag }) => tag === error._tag)
    expect(told?.status).toBe(response.status)
  })
})

describe("docs/reference/README.md", () => {
  const page = read("docs/reference/README.md")

  it("has every module", () => {
    const listed = Array.from(page.matchAll(/^\| \[`(\w+)`\]/gm), ([, name]) => name)

    expect(listed.sort()).toEqual([...modules].sort())
  })

  it("says which of them are exports of the root too", () => {
    const [text = ""] = page.split("\n\n").at(-1)?.split("are only at") ?? []
    const apart = Array.from(text.matchAll(/`(\w+)`/g), ([, name = ""]) => name)

    expect(apart.sort()).toEqual(modules.filter((name) => !Object.hasOwn(Root, name)).sort())
  })
})

describe("the pages of the modules", () => {
  let read: ReadonlyArray<Module>

  beforeAll(() => {
    read = modulesOf(repository, modules)
  }, 180_000)

  it.each(modules.filter((name) => name !== "SessionStoreTest"))(
    "%s has every export",
    async (name) => {
      const module = read.find((one) => one.name === name)
      const loaded = await import(join(repository, "src", `${name}.ts`))
      const names = new Set(module?.exports.map((exported) => exported.name))

      expect(Object.keys(loaded).filter((exported) => !names.has(exported))).toEqual([])
    }
  )

  it("have words, a signature and a version for each", () => {
    const bare = read.flatMap(({ exports, name }) =>
      exports
        .filter(({ docs, signature, since }) => [docs, signature, since].includes(""))
        .map((exported) => `${name}.${exported.name}`)
    )

    expect(bare).toEqual([])
  })

  it("show all overloads, examples and the errors of a function", () => {
    const session = read.find(({ name }) => name === "Session")
    const page = session && pageOf(repository, session, new Set(["SessionDecodeError"]))
    const sectionOf = (name: string) =>
      page?.split(/^### /m).find((text) => text.startsWith(`${name}\n`))

    expect(sectionOf("get")).toContain(
      "(key: Key): Effect.Effect<Option.Option<Json>, never, Session>"
    )
    expect(sectionOf("get")).toContain("schema: Schema.Schema<A, I, R>")
    expect(sectionOf("get")).toContain("errors.md#sessiondecodeerror")
    expect(sectionOf("put")).toContain(
      'yield* Session.put({ theme: "dark", "cart.currency": "EUR" })'
    )
    expect(sectionOf("SessionRefused")).toContain('readonly reason: "limit" | "revoked"')
  })
})
