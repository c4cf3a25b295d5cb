/**
 * Where the time of a request goes: `npm run bench:breakdown`, in microseconds and bytes allocated for each step. `--as before`
 * gives the column a name, so that a change can be compared with what was there before; without it the column is called `now`.
 *
 * Each step is made alone, on a thousand sessions of the memory store, with what the step before has left. Around them the same request
 * is sent through the middleware, without a socket. What the steps do not explain are Effect's fibers, services and the rest of
 * the middleware. Medians of the rounds. The columns are kept in `bench/breakdown.json`, and go to docs/benchmark.md.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { HttpApp, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { Effect, Layer, Option, Runtime } from "effect"
import type { Intent } from "../src/core/commit/model.js"
import { noOperations } from "../src/core/commit/model.js"
import { planCommit } from "../src/core/commit/plan.js"
import { readCookie } from "../src/core/http/cookie.js"
import { complete, decode, encodeState } from "../src/core/record/payload.js"
import { makeToken, tokenId } from "../src/core/record/token.js"
import {
  Session,
  SessionConfig,
  SessionEvents,
  SessionMiddleware,
  SessionStore
} from "../src/index.js"
import { commit } from "../src/internal/commit/commitPending.js"
import type { RequestContext } from "../src/internal/commit/RequestContext.js"
import type { RequestSession } from "../src/internal/commit/RequestSession.js"
import { compile } from "../src/internal/config/compile.js"
import { load } from "../src/internal/request/load.js"
import { withHeaders } from "../src/internal/request/respond.js"
import { toService } from "../src/internal/session/tag.js"
import { localNow } from "../src/internal/store/revocations.js"
import { median } from "./support/load.js"
import * as Page from "./support/page.js"

const { values } = parseArgs({
  options: { as: { type: "string", default: "now" }, rounds: { type: "string", default: "60" } }
})
const rounds = Number(values.rounds)
const count = 1000
const text = "x".repeat(150)
const collectGarbage = globalThis.gc
if (collectGarbage === undefined) throw new Error("Run `npm run bench:breakdown`.")

/** What one call takes. */
interface Cost {
  readonly micros: number
  readonly bytes: number
}

/** A step: makes the calls ready, which is not measured. */
type Step = () => ReadonlyArray<() => unknown>

/** Keeps what the calls give, so that no call is left out. */
const sink: { last: unknown } = { last: undefined }

const costOf = async (step: Step, calls: "sync" | "async" = "sync"): Promise<Cost> => {
  const found: Array<Cost> = []
  // The first half warms up.
  for (let round = -rounds; round < rounds; round++) {
    const ready = step()
    collectGarbage()
    const heap = process.memoryUsage().heapUsed
    const began = performance.now()
    if (calls === "async") for (const call of ready) sink.last = await call()
    else for (const call of ready) sink.last = call()
    const millis = performance.now() - began
    const bytes = process.memoryUsage().heapUsed - heap
    if (round >= 0) found.push({ micros: (1000 * millis) / count, bytes: bytes / count })
  }
  return {
    micros: median(found.map(({ micros }) => micros)),
    bytes: median(found.map(({ bytes }) => bytes))
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// a thousand sessions, and requests for them
// ---------------------------------------------------------------------------------------------------------------------

const runtime = await Effect.runPromise(Effect.scoped(Layer.toRuntime(SessionStore.layerMemory)))
const runSync = Runtime.runSync(runtime)

const context: RequestContext = runSync(
  Effect.gen(function* () {
    return {
      store: yield* SessionStore.SessionStore,
      settings: compile(yield* SessionConfig.SessionConfig),
      clock: yield* Effect.clock,
      began: localNow(),
      events: yield* SessionEvents.SessionEvents,
      ipAddress: () => "192.0.2.1",
      userAgent: () => null
    }
  })
)
const { settings, store } = context
const { name } = settings.cookie

const write = Effect.zipRight(Session.increment("visits"), Session.put("text", text))
const operations: Readonly<Record<string, Effect.Effect<unknown, unknown, Session.Session>>> = {
  "/read": Session.get("visits"),
  "/write": write,
  "/login": Effect.suspend(() => Session.login("somebody")),
  "/flash": Effect.zipRight(Session.get("message"), Session.flash("message", "saved"))
}
const answer = HttpServerResponse.text("ok")
const app = Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ url }) =>
  Effect.orDie(Effect.zipRight(operations[url] ?? Effect.void, answer))
)
const send = {
  bare: HttpApp.toWebHandlerRuntime(runtime)(answer),
  session: HttpApp.toWebHandlerRuntime(runtime)(SessionMiddleware.middleware(app))
}

const cookies: Array<string> = []
const requestOf = (path: string, index: number): Request => {
  const headers = { cookie: cookies[index] ?? "" }
  return new Request(`http://localhost${path}`, { headers })
}
/** Requests, one for each session; the cookies are those that the answers set. */
const requests =
  (path: string): Step =>
  () =>
    Array.from({ length: count }, (_, index) => {
      const request = requestOf(path, index)
      const handler = path === "/bare" ? send.bare : send.session
      return async () => {
        const response = await handler(request)
        const [set] = response.headers.getSetCookie()
        if (set !== undefined) cookies[index] = set.split(";", 1)[0] ?? ""
        if (response.status !== 200) throw new Error(`${path} answered ${response.status}.`)
      }
    })

for (const begin of requests("/write")()) await begin()

const tokenOf = (cookie: string) => cookie.slice(cookie.indexOf("=") + 1)
const each = (make: (cookie: string, index: number) => () => unknown) => cookies.map(make)
const loaded = (cookie: string): RequestSession => runSync(load(context, cookie))
/** Runs effects in a session. To provide it to each effect would cost more than a verb does. */
const runIn = (session: RequestSession) =>
  Runtime.runSync(Runtime.provideService(runtime, Session.Session, toService(session)))
const written = (cookie: string): RequestSession => {
  const session = loaded(cookie)
  runIn(session)(write)
  return session
}

/** As a commit makes it of what is pending. */
const intentOf = ({ life }: RequestSession): Intent => ({
  commitId: null,
  verb: "commit",
  operations: () => life.pending,
  predicted: life.predicted,
  change: null,
  unseen: noOperations,
  takes: { operations: life.pending, change: null }
})
const planOf = (session: RequestSession) =>
  planCommit(session.life.position, intentOf(session), {
    policy: settings,
    client: () => ({ ipAddress: context.ipAddress(), userAgent: null }),
    empty: session.life.empty,
    nowMillis: Date.now()
  })
const recordOf = (cookie: string) =>
  Option.getOrThrow(runSync(store.find(tokenId(tokenOf(cookie), settings.namespace))))

// ---------------------------------------------------------------------------------------------------------------------
// the steps
// ---------------------------------------------------------------------------------------------------------------------

const steps: Readonly<Record<string, Step>> = {
  "a fiber, in each step that asks the store or runs a verb": () =>
    each(() => () => runSync(Effect.suspend(() => Effect.void))),
  "cookie: read the header": () => each((cookie) => () => readCookie(cookie, name)),
  "hash: from the token to the id": () =>
    each((cookie) => () => tokenId(tokenOf(cookie), settings.namespace)),
  "find: ask the store": () =>
    each((cookie) => {
      const id = tokenId(tokenOf(cookie), settings.namespace)
      return () => runSync(store.find(id))
    }),
  "decode: read the payload": () =>
    each((cookie) => {
      const { payload } = recordOf(cookie)
      return () => decode(payload)
    }),
  "load: all of the above": () => each((cookie) => () => runSync(load(context, cookie))),
  "verb: get": () =>
    each((cookie) => {
      const run = runIn(loaded(cookie))
      return () => run(Session.get("visits"))
    }),
  "verbs: increment and put": () =>
    each((cookie) => {
      const run = runIn(loaded(cookie))
      return () => run(write)
    }),
  "plan: what to store, encoded": () =>
    each((cookie) => {
      const session = written(cookie)
      return () => planOf(session)
    }),
  "encode: the payload alone": () =>
    each((cookie) => {
      const { state } = written(cookie).life
      const now = Date.now()
      return () => complete(encodeState(state, now), "", null)
    }),
  "update: ask the store": () =>
    each((cookie) => {
      const plan = planOf(written(cookie))
      if (plan._tag !== "Update") throw new Error(`A write is planned as ${plan._tag}.`)
      const update = store.update(plan.next.record, plan.version)
      return () => runSync(update)
    }),
  "commit: plan, update and what follows": () =>
    each((cookie) => {
      const session = written(cookie)
      return () => runSync(commit(session, { ages: true }))
    }),
  "header: of a response that keeps the cookie": () =>
    each((cookie) => {
      const session = loaded(cookie)
      const response = HttpServerResponse.unsafeJson("ok")
      return () => withHeaders(session, response, {})
    }),
  "header: of a response that sets the cookie": () =>
    each((cookie) => {
      const session = loaded(cookie)
      session.life.cookie = { _tag: "Set", at: session.life.position }
      const response = HttpServerResponse.unsafeJson("ok")
      return () => withHeaders(session, response, {})
    }),
  "token: make a new one": () => each(() => makeToken)
}

const costs = new Map<string, Cost>()
for (const [step, ready] of Object.entries(steps)) costs.set(step, await costOf(ready))
const bare = await costOf(requests("/bare"), "async")
costs.set("a request without a session", bare)
for (const path of Object.keys(operations)) {
  const whole = await costOf(requests(path), "async")
  costs.set(`${path}, over the request without a session`, {
    micros: whole.micros - bare.micros,
    bytes: whole.bytes - bare.bytes
  })
}

// ---------------------------------------------------------------------------------------------------------------------
// the page
// ---------------------------------------------------------------------------------------------------------------------

type Columns = Record<string, { readonly machine: string; readonly costs: Record<string, Cost> }>

const file = new URL("./breakdown.json", import.meta.url)
const columns: Columns = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}
columns[values.as] = { machine: Page.machine(), costs: Object.fromEntries(costs) }
writeFileSync(file, `${JSON.stringify(columns, undefined, 2)}\n`)

const labels = Object.keys(columns)
const rows = Array.from(costs.keys(), (step) => [
  step,
  ...labels.flatMap((label) => {
    const cost = columns[label]?.costs[step]
    return [Number(cost?.micros.toFixed(2)), Math.round(cost?.bytes ?? Number.NaN)]
  })
])
const head = labels.flatMap((label) => [`${label}, µs`, `${label}, bytes`])
const machines = labels.map((label) => `\`${label}\`: ${columns[label]?.machine}.`)
const page = [...machines, Page.table(["step", ...head], rows)].join("\n\n")
console.log(page)
Page.insert("breakdown", page)
