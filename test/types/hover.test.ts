/** Every function that users call shows its text in the editor, whichever overload the call is. */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import ts from "typescript"
import { describe, expect, it } from "vitest"
import { root } from "../support/languageService.js"
import { open } from "./editor.js"

interface Package {
  readonly exports: Readonly<Record<string, unknown>>
}

const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Package

/** The modules that the package exports. */
const modules = Object.keys(exports).flatMap((name) => {
  const found = /^\.\/(\w+)$/.exec(name)?.[1]
  return found === undefined || found === "package" ? [] : [found]
})

const imports = modules.map((name) => `import * as ${name}_ from "effect-session/${name}"`)

/** Calls of each overload, with the first words of their texts. */
const calls: ReadonlyArray<readonly [call: string, text: string]> = [
  [`Session.get("a")`, "Reads a value. A stored"],
  [`Session.get("b", Schema.String)`, "Reads a value and decodes it."],
  [`Session.put("a", 1)`, "Stores a value. A scalar"],
  [`Session.put({ a: 1 })`, "Stores each entry of an object, whose"],
  [`Session.flash("a", 1)`, "Stores a value for the rest"],
  [`Session.flash({ a: 1 })`, "Stores each entry of an object for"],
  [`Session.schema({ theme: Schema.String })`, "Types a session"],
  [`Session.schema({ a: Schema.String }, { onInvalid: "fail" })`, "Types a session"],
  [`Session.login("ada")`, "Logs a user in"],
  [`Session.requireRecentLogin("1 hour")`, "Lets a handler go on"],
  [`Shop.put("theme", "dark")`, "Stores a value. That of a key"],
  [`Shop.put({ theme: "dark" })`, "Stores all values of an object"],
  [`Shop.flash("theme", "dark")`, "Stores a value for the rest"],
  [`Shop.flash({ theme: "dark" })`, "Stores values for the rest"],
  [`Shop.get("theme")`, "Reads a value."],
  [`Shop.modify("theme", () => "dark")`, "Changes a value"]
]

const editor = open(`import { Schema } from "effect"
import { Session } from "effect-session"
${imports.join("\n")}
const Shop = Session.schema({ theme: Schema.String })
${calls.map(([call]) => call).join("\n")}
`)

const checker = editor.program.getTypeChecker()

const textOf = (documented: ts.Symbol | ts.Signature) =>
  ts.displayPartsToString(documented.getDocumentationComment(checker))

const target = (named: ts.Symbol): ts.Symbol =>
  (named.flags & ts.SymbolFlags.Alias) === 0 ? named : checker.getAliasedSymbol(named)

/** What has no text: a name, or an overload of it. A single signature shows the text of its name. */
const silent = (named: ts.Symbol): ReadonlyArray<string> => {
  const symbol = target(named)
  // A namespace of types.
  if (symbol.flags & ts.SymbolFlags.ValueModule) return []
  const signatures = checker.getTypeOfSymbol(symbol).getCallSignatures()
  const name = symbol.getName()
  const overloads =
    signatures.length < 2
      ? []
      : signatures.flatMap((one, at) => (textOf(one) === "" ? [`${name}, overload ${at + 1}`] : []))
  return textOf(symbol) === "" && textOf(named) === "" ? [name, ...overloads] : overloads
}

const exportsOf = (name: string): ReadonlyArray<ts.Symbol> => {
  const source = editor.program.getSourceFile(join(root, `src/${name}.ts`)) as ts.SourceFile
  const module = checker.getSymbolAtLocation(source) as ts.Symbol
  return checker.getExportsOfModule(module)
}

describe("the exports of a module all have a text", () => {
  it.each(modules)("%s", (name) => {
    const found = exportsOf(name)

    expect(found.length).toBeGreaterThan(0)
    expect(found.flatMap(silent)).toEqual([])
  })
})

describe("the members of a type that users call have a text, each overload its own", () => {
  it.each([
    ["Session", "TypedSession"],
    ["SessionGuard", "Guard"],
    ["SessionMiddleware", "Mounts"]
  ])("%s.%s", (module, type) => {
    const named = exportsOf(module).find((one) => one.getName() === type) as ts.Symbol
    const members = checker.getDeclaredTypeOfSymbol(target(named)).getProperties()

    expect(members.length).toBeGreaterThan(2)
    expect(members.flatMap(silent)).toEqual([])
  })
})

describe("hovering a call shows the text of its overload", () => {
  it.each(calls)("%s", (call, text) => {
    expect(editor.hover(call)).toContain(text)
  })
})
