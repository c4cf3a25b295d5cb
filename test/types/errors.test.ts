/** The first line of a type error says what is wrong and what to use, as a user reads it in the editor. */
import { describe, expect, it } from "vitest"
import { open } from "./editor.js"

const valueOf = (type: string) =>
  `Argument of type '${type}' is not assignable to parameter of type '`

const aDate = "a Date: store toISOString(), or use Session.schema with Schema.Date."

/** Lines that do not compile, each with its error. */
const refused: ReadonlyArray<readonly [line: string, message: string]> = [
  [`Session.put("a", new Date())`, `${valueOf("Date")}"This is ${aDate}"'.`],
  [`Session.put("b", dated)`, `${valueOf("Dated")}"created is ${aDate}"'.`],
  [`Session.put("c", { at: new Date() })`, `${valueOf("{ at: Date; }")}"at is ${aDate}"'.`],
  [`Session.put("d", [new Date()])`, `${valueOf("Date[]")}"[] is ${aDate}"'.`],
  [
    `Session.put("e", [{ user: { born: new Date() } }])`,
    `${valueOf("{ user: { born: Date; }; }[]")}"[].user.born is ${aDate}"'.`
  ],
  [
    `Session.put("f", new Map([["a", 1]]))`,
    `${valueOf("Map<string, number>")}"This is a Map: store Object.fromEntries(map), or use Session.schema with Schema.Map."'.`
  ],
  [
    `Session.put("g", new Set([1]))`,
    `${valueOf("Set<number>")}"This is a Set: store Array.from(set), or use Session.schema with Schema.Set."'.`
  ],
  [
    `Session.put("h", Option.some(1))`,
    `${valueOf("Option<number>")}"This is an Option: store Option.getOrNull(option), or use Session.schema with Schema.Option."'.`
  ],
  [
    `Session.put("i", 10n)`,
    `${valueOf("10n")}"This is a bigint: store String(value), or use Session.schema with Schema.BigInt."'.`
  ],
  [
    `Session.put("j", undefined)`,
    `${valueOf("undefined")}"This is undefined: store null, or call Session.forget."'.`
  ],
  [
    `Session.put("k", () => 1)`,
    `${valueOf("() => number")}"This is a function: store what it gives."'.`
  ],
  [
    `Session.put("l", new Counter())`,
    `${valueOf("Counter")}"increment is a function: store what it gives."'.`
  ],
  [
    `Session.put("m", maybe)`,
    `${valueOf("string | undefined")}Json | NotJson<"This is undefined: store null, or call Session.forget.">'.`
  ],
  [
    `Session.put("n", anything)`,
    `${valueOf("unknown")}"This is a value that could be anything: decode it with a schema."'.`
  ],
  [`Session.put("o", inner)`, `${valueOf("Inner")}"a.b.c is ${aDate}"'.`],
  [`Session.put("p", tree)`, `${valueOf("DatedTree")}"at is ${aDate}"'.`],
  [`Session.put({ at: new Date() })`, `${valueOf("{ at: Date; }")}"at is ${aDate}"'.`],
  [`Session.put([1])`, `${valueOf("number[]")}"This is a list: give an object of entries."'.`],
  [
    `Session.put("q")`,
    `${valueOf('"q"')}"This is not an object: give an object of entries, or a key and a value."'.`
  ],
  [`Session.flash("a", new Date())`, `${valueOf("Date")}"This is ${aDate}"'.`],
  [`Session.push("a", new Date())`, `${valueOf("Date")}"This is ${aDate}"'.`],
  [`Session.now("a", new Date())`, `${valueOf("Date")}"This is ${aDate}"'.`],
  [`Session.replace(dated)`, `${valueOf("Dated")}"created is ${aDate}"'.`],
  [`Session.flashInput(dated)`, `${valueOf("Dated")}"created is ${aDate}"'.`],
  [`Session.layerTest(dated)`, `${valueOf("Dated")}"created is ${aDate}"'.`],
  [
    `Session.modify("a", () => new Date())`,
    `Type 'Date' is not assignable to type '"This is ${aDate}"'.`
  ],
  [
    `Shop.get("cart.item")`,
    `${valueOf('"cart.item"')}"theme" | "cart" | "profile" | "visits" | "cart.since" | "cart.items" | "profile.nick" | "profile.age"'.`
  ],
  [
    `Shop.put("cart.item", [])`,
    `${valueOf('"cart.item"')}"theme" | "cart" | "profile" | "visits" | "cart.since" | "cart.items" | "profile.nick" | "profile.age"'.`
  ],
  [
    `Shop.put("profile.nick", "x")`,
    `${valueOf('"profile.nick"')}"Other fields of profile are required: use modify('profile', ...)."'.`
  ],
  [
    `Shop.modify("profile.nick", () => "x")`,
    `${valueOf('"profile.nick"')}"Other fields of profile are required: use modify('profile', ...)."'.`
  ],
  [`Shop.push("visits", 1)`, `${valueOf('"visits"')}"cart.items"'.`],
  [`Shop.increment("theme")`, `${valueOf('"theme"')}"visits"'.`],
  [
    `Shop.pull("profile.nick")`,
    `${valueOf('"profile.nick"')}"theme" | "cart" | "profile" | "visits" | "cart.since" | "cart.items"'.`
  ],
  [
    `Shop.flash("cart.items", [])`,
    `${valueOf('"cart.items"')}"theme" | "cart" | "profile" | "visits"'.`
  ],
  [`Shop.put("theme", "blue")`, `${valueOf('"blue"')}"light" | "dark"'.`]
]

/** A message with the members of a union in an order of their own: that of the compiler varies. */
const inOrder = (message: string): string =>
  message.replace(/(?<=parameter of type ')"[^\n]*(?='\.$)/, (union) =>
    union.split(" | ").sort().join(" | ")
  )

/** Lines that compile. */
const accepted = [
  `Session.put("a", plain)`,
  `Session.put("a", [plain, { list: [1, null, "x", { deep: true }] }])`,
  `Session.put({ a: plain, "b.c": 1 })`,
  `Session.modify("a", (current) => Option.getOrNull(current))`,
  `Session.remember("a", Effect.succeed({ at: 1 }))`,
  `export const helper = <T extends Session.Json>(value: T) => Session.put("a", value)`,
  `export const helper2 = <T extends Session.Json>(value: ReadonlyArray<T>) => Session.put("a", { value })`,
  `export const helper3 = <T extends Session.JsonObject>(values: T) => Session.put(values)`,
  `export const helper4 = (value: any) => Session.put("a", value)`,
  `export const helper5 = <P extends "theme" | "cart.items">(path: P) => Shop.get(path)`,
  `Shop.put("cart.items", [{ sku: "a" }])`,
  `Shop.put("visits", 1, { expiresIn: "1 minute" })`,
  `Shop.modify("profile", () => ({ nick: "x", age: 1 }))`
]

const editor = open(`import { Effect, Option, Schema } from "effect"
import { Session } from "effect-session"
interface Dated { readonly name: string; readonly created: Date }
interface Plain { readonly name: string; readonly nick?: string }
interface Inner { readonly a: { readonly b: { readonly c: Date } } }
interface DatedTree { readonly at: Date; readonly children: ReadonlyArray<DatedTree> }
class Counter { count = 0; increment() { this.count++ } }
declare const dated: Dated, plain: Plain, inner: Inner, tree: DatedTree
declare const maybe: string | undefined, anything: unknown
const Shop = Session.schema({
  theme: Schema.Literal("light", "dark"),
  visits: Schema.Number,
  cart: Schema.Struct({
    items: Schema.optional(Schema.Array(Schema.Struct({ sku: Schema.String }))),
    since: Schema.optional(Schema.Date)
  }),
  profile: Schema.Struct({ nick: Schema.String, age: Schema.Number })
})
${refused.map(([line]) => line).join("\n")}
${accepted.join("\n")}
Shop.get("c")
Shop.put("c", 1)
`)

const errors = editor.errors()

describe("the error of a line", () => {
  it.each(refused)("%s", (line, message) => {
    expect(inOrder(errors.get(line) ?? "no error")).toBe(inOrder(message))
  })
})

it("there is none on lines that are right", () => {
  expect(accepted.flatMap((line) => errors.get(line) ?? [])).toEqual([])
})

it.each([`Shop.get("c`, `Shop.put("c`])("the paths are offered at %s", (typed) => {
  const offered = editor.completions(typed)

  expect(offered).toEqual(expect.arrayContaining(["theme", "cart", "cart.items", "cart.since"]))
})
