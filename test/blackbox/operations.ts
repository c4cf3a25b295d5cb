/** Runs a list of session operations that a test sent as JSON: the only handler the servers need. */
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Csrf from "../../src/Csrf.js"
import * as Session from "../../src/Session.js"
import * as SessionAdmin from "../../src/SessionAdmin.js"
import type * as SessionStore from "../../src/SessionStore.js"
import { pass } from "./gates.js"

/** `["put", "key", 1]`: the name of an operation and its arguments. */
export type Step = readonly [string, ...ReadonlyArray<unknown>]

/** A failure of the application itself, as a handler would have. */
export class AppFailure extends Data.TaggedError("AppFailure") {}

type Failure =
  | AppFailure
  | HttpServerError.RequestError
  | Session.SessionConflict
  | Session.SessionDecodeError
  | Session.SessionEncodeError
  | Session.SessionRefused
  | Session.SessionStoreError
  | Session.SessionTypeError

type Program = Effect.Effect<unknown, Failure, Session.Session | SessionStore.SessionStore>

/** What JSON cannot carry, made here. */
const strange: Readonly<Record<string, () => unknown>> = {
  nan: () => Number.NaN,
  infinity: () => Number.POSITIVE_INFINITY,
  undefined: () => undefined,
  bigint: () => 1n,
  date: () => new Date(0),
  map: () => new Map([["a", 1]]),
  function: () => () => 1,
  cycle: () => {
    const circle: Record<string, unknown> = {}
    circle.self = circle
    return circle
  },
  sparse: () => {
    const list: Array<number> = []
    list[2] = 1
    return list
  },
  surrogate: () => "\ud800",
  nul: () => "a\u0000b"
}

const nested = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = { in: value }
  return value
}

const changes: Readonly<Record<string, (current: Option.Option<Session.Json>) => Session.Json>> = {
  add1: (current) => Number(Option.getOrElse(current, () => 0)) + 1,
  double: (current) => Number(Option.getOrElse(current, () => 1)) * 2,
  appendX: (current) => `${Option.getOrElse(current, () => "")}x`
}

const shapes = {
  number: Schema.Number,
  text: Schema.String,
  user: Schema.Struct({ name: Schema.String })
}

const fields = {
  theme: Schema.Literal("light", "dark"),
  visits: Schema.Number,
  cart: Schema.Struct({
    items: Schema.Array(Schema.Struct({ name: Schema.String, count: Schema.Number })),
    since: Schema.optional(Schema.Date)
  })
}
const Cart = Session.schema(fields)
const Strict = Session.schema(fields, { onInvalid: "fail" })

const lifetimes: Readonly<Record<string, number>> = {
  endless: Number.POSITIVE_INFINITY,
  negative: -1000,
  zero: 0
}

/** Changes what it put and what it was given, as careless code does. */
const mutating = Effect.gen(function* () {
  const given = { x: 1 }
  yield* Session.put("given", given)
  given.x = 2
  const deep = Option.getOrThrow(yield* Session.get("deep"))
  const all = yield* Session.all
  const only = yield* Session.only("list")
  try {
    // The values are what the case stored; they may be frozen, which is as good.
    ;(deep as { x: number }).x = 2
  } catch {}
  try {
    ;(all.list as Array<number>).push(2)
  } catch {}
  try {
    ;(only.list as Array<number>).push(2)
  } catch {}
})

/** How often the effect of `remember` ran in this process, by key. */
const remembered = new Map<string, number>()

const instant = <E, R>(effect: Effect.Effect<DateTime.Utc, E, R>) =>
  Effect.map(effect, DateTime.toEpochMillis)

/** The arguments come from the tests of this folder, which know what each operation takes. */
const program = (name: string, args: ReadonlyArray<unknown>): Program => {
  const key = args[0] as string
  const keys = args as ReadonlyArray<string>
  const value = args[1] as Session.Json
  const object = args[0] as Session.JsonObject
  switch (name) {
    case "get":
      return Session.get(key)
    case "getAs":
      return Session.get(key, shapes[args[1] as "number"] as typeof shapes.number)
    case "getLiteral":
      return Session.get(Session.path(...keys))
    case "putLiteral":
      return Session.put(Session.path(...(args[0] as ReadonlyArray<string>)), value)
    case "getOrElse":
      return Session.getOrElse(key, () => value)
    case "all":
      return Session.all
    case "only":
      return Session.only(...keys)
    case "except":
      return Session.except(...keys)
    case "has":
      return Session.has(...keys)
    case "hasAny":
      return Session.hasAny(...keys)
    case "exists":
      return Session.exists(...keys)
    case "missing":
      return Session.missing(...keys)
    case "put":
      return Session.put(key, value, args[2] as Session.PutOptions | undefined)
    case "putFor":
      return Session.put(key, value, { expiresIn: args[2] as number })
    case "putUntil":
      return Session.put(key, value, { expiresAt: args[2] as number })
    case "putAll":
      return Session.put(object)
    case "putStrange":
      return Session.put(key, (strange[args[1] as string] as () => Session.Json)())
    case "putSized":
      return Session.put(key, "x".repeat(args[1] as number))
    case "putBytes":
      return Session.put(key, "\u00e9".repeat(args[1] as number))
    case "putNested":
      return Session.put(key, nested(args[1] as number) as Session.Json)
    case "putKeys":
      return Session.put(
        Object.fromEntries(
          Array.from({ length: args[0] as number }, (_, index) => [`k${index}`, 1])
        )
      )
    case "putProto":
      return Session.put(key, JSON.parse('{"__proto__":{"polluted":true},"fine":1}'))
    case "polluted":
      return Effect.sync(() => (({}) as { polluted?: unknown }).polluted !== undefined)
    case "isKey":
      return Effect.sync(() => Session.isKey(key))
    case "push":
      return Session.push(key, value)
    case "increment":
      return Session.increment(key, args[1] as number | undefined)
    case "incrementNaN":
      return Session.increment(key, Number.NaN)
    case "decrement":
      return Session.decrement(key, args[1] as number | undefined)
    case "modify":
      return Session.modify(key, changes[args[1] as string] as (typeof changes)["add1"])
    case "remember":
      return Session.remember(
        key,
        Effect.sync(() => {
          remembered.set(key, (remembered.get(key) ?? 0) + 1)
          return value
        })
      )
    case "rememberFailing":
      return Session.remember(key, Effect.fail(new AppFailure()))
    case "mutating":
      return mutating
    case "remembered":
      return Effect.sync(() => remembered.get(key) ?? 0)
    case "pull":
      return Session.pull(key)
    case "consume":
      return Session.consume(key)
    case "forget":
      return Session.forget(...keys)
    case "flush":
      return Session.flush
    case "replace":
      return Session.replace(object)
    case "flash":
      return Session.flash(key, value)
    case "flashAll":
      return Session.flash(object)
    case "now":
      return Session.now(key, value)
    case "reflash":
      return Session.reflash
    case "keep":
      return Session.keep(...keys)
    case "flashInput":
      return Session.flashInput(object)
    case "old":
      return Session.old(key)
    case "id":
      return Session.id
    case "start":
      return Session.start
    case "isNew":
      return Session.isNew
    case "regenerate":
      return Session.regenerate
    case "migrate":
      return Session.migrate(args[0] as { destroy?: boolean } | undefined)
    case "invalidate":
      return Session.invalidate
    case "destroy":
      return Session.destroy
    case "login":
      return Session.login(key, args[1] as { remember?: "30 days" } | undefined)
    case "logout":
      return Session.logout
    case "userId":
      return Session.userId
    case "createdAt":
      return instant(Session.createdAt)
    case "lastActivity":
      return instant(Session.lastActivity)
    case "expiresAt":
      return instant(Session.expiresAt)
    case "setLifetime":
      return Session.setLifetime(args[0] as "browser")
    case "lifetimeOf":
      return Session.setLifetime(lifetimes[key] as number)
    case "csrfToken":
      return Session.csrfToken
    case "csrfField":
      return Csrf.field
    case "regenerateToken":
      return Session.regenerateToken
    case "verifyToken":
      return Session.verifyToken(key)
    case "previousUrl":
      return Session.previousUrl
    case "setPreviousUrl":
      return Session.setPreviousUrl(key)
    case "commit":
      return Session.commit
    case "revokeOthers":
      return SessionAdmin.revokeOthers
    case "revokeUser":
      return SessionAdmin.revokeUser(key)
    case "typedGet":
      return Cart.get(key as "theme")
    case "typedPut":
      return Cart.put(key as "theme", args[1] as "dark")
    case "typedPutSince":
      return Cart.put("cart.since" as "theme", new Date(args[0] as number) as unknown as "dark")
    case "typedSince":
      return Effect.map(Cart.get("cart"), (cart) =>
        Option.map(cart, ({ since }) => (since instanceof Date ? since.getTime() : null))
      )
    case "typedIncrement":
      return Cart.increment("visits")
    case "strictGet":
      return Strict.get(key as "theme")
    case "gate":
      return pass(key)
    case "sleep":
      return Effect.promise(() => new Promise((resolve) => setTimeout(resolve, args[0] as number)))
    case "fail":
      return Effect.fail(new AppFailure())
    case "die":
      return Effect.die(new Error("defect"))
    case "try":
      return Effect.catchAllCause(runStep(args[0] as Step), (cause) =>
        Effect.succeed({ error: errorTag(cause) })
      )
    default:
      return Effect.die(new Error(`unknown operation ${name}`))
  }
}

const errorTag = (cause: unknown): string =>
  /Session(?:Conflict|Decode|Encode|Key|Refused|Store|Type)\w*|AppFailure/.exec(
    JSON.stringify(cause)
  )?.[0] ?? "other"

/** `Option`s become `{ some }` or `null`, so that a stored `null` is told from nothing. */
const plain = (value: unknown): unknown =>
  Option.isOption(value)
    ? Option.match(value, { onNone: () => null, onSome: (some) => ({ some }) })
    : (value ?? null)

const runStep = ([name, ...args]: Step): Program =>
  Effect.map(
    Effect.suspend(() => program(name, args)),
    plain
  )

/** Runs the steps in order; the results stand in the same order. */
export const runSteps = (steps: ReadonlyArray<Step>) => Effect.forEach(steps, runStep)
