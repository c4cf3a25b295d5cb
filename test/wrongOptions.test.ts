/** An option that cannot be used is one kind of error everywhere, in one sentence that names it. */

import * as NodeContext from "@effect/platform-node/NodeContext"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Csrf from "../src/Csrf.js"
import * as FileSystemSessionStore from "../src/FileSystemSessionStore.js"
import * as Session from "../src/Session.js"
import * as SessionAdmin from "../src/SessionAdmin.js"
import { SessionConfigError } from "../src/SessionConfig.js"
import * as SessionEvents from "../src/SessionEvents.js"
import * as SessionGc from "../src/SessionGc.js"
import * as SessionGuard from "../src/SessionGuard.js"
import * as SessionMiddleware from "../src/SessionMiddleware.js"
import * as SessionStore from "../src/SessionStore.js"
import * as SqlSessionStore from "../src/SqlSessionStore.js"
import { clientOf, lacksDriver } from "./support/sqlClients.js"

// A program in plain JavaScript, or one that reads its settings from somewhere, may pass what the types forbid.
const wrong = "7 dayz" as "7 days"

const build = <E>(layer: Layer.Layer<never, E>) => Effect.scoped(Layer.build(layer))

const ask = <A, E>(effect: Effect.Effect<A, E, SessionStore.SessionStore>) =>
  Effect.provide(effect, SessionStore.layerMemory)

const memory = (options: Parameters<typeof SessionStore.layerMemoryWith>[0]) =>
  build(Layer.discard(SessionStore.layerMemoryWith(options)))

const files = build(
  Layer.discard(FileSystemSessionStore.layer({ directory: "/nowhere", keepEnded: wrong })).pipe(
    Layer.provide(NodeContext.layer)
  )
)

const sql = build(
  Layer.discard(SqlSessionStore.layerMigratedWith({ keepEnded: wrong })).pipe(
    Layer.provide(Layer.orDie(clientOf(":memory:")))
  )
)

const gc = (options: SessionGc.Options) =>
  build(Layer.provide(SessionGc.layerWith(options), SessionStore.layerMemory))

const serialize = (wait: SessionAdmin.Within["within"], hold: SessionAdmin.Within["within"]) =>
  Effect.sync(() => SessionMiddleware.make({ serialize: { wait, hold } }))

const waiting = (interval: SessionAdmin.Within["within"]) =>
  Effect.provide(Session.endedWith({ interval }), Session.layerTest())

type Case = [string, string, Effect.Effect<unknown, unknown>]

const sqlCase: Case = ["keepEnded of the SQL store", "keepEnded", sql]

const cases: ReadonlyArray<Case> = [
  ["an interval of 0 to wait for the end", "interval", waiting(0)],
  ["a negative interval to wait for the end", "interval", waiting(-1)],
  ["no interval to wait for the end", "interval", waiting(wrong)],
  ["a negative wait", "serialize", serialize(-1, "1 second")],
  ["a negative hold", "serialize", serialize("1 second", "-1 seconds" as "1 seconds")],
  ["a hold of nothing", "serialize", serialize("1 second", 0)],
  ["an endless wait", "serialize", serialize(Number.POSITIVE_INFINITY, "1 second")],
  ["no wait at all", "serialize", serialize(wrong, "1 second")],
  ["keepEnded of the memory store", "keepEnded", memory({ keepEnded: wrong })],
  ["a negative keepEnded", "keepEnded", memory({ keepEnded: -1 })],
  ["a keepEnded of NaN", "keepEnded", memory({ keepEnded: Number.NaN })],
  ["a memory for no session", "maxSessions", memory({ maxSessions: 0 })],
  ["keepEnded of the file store", "keepEnded", files],
  ...(lacksDriver("sqlite") ? [] : [sqlCase]),
  ["an interval of the collection", "interval", gc({ interval: wrong })],
  ["a negative interval", "interval", gc({ interval: -5 })],
  ["a batch of nothing", "batchSize", gc({ batchSize: 0 })],
  ["within of active", "within", ask(SessionAdmin.active({ within: wrong }))],
  ["within of countActive", "within", ask(SessionAdmin.countActive({ within: Number.NaN }))],
  ["within of countActiveUsers", "within", ask(SessionAdmin.countActiveUsers({ within: wrong }))],
  ["within of suspicious", "within", ask(SessionAdmin.suspicious({ within: wrong }))],
  ["within of averageDuration", "within", ask(SessionAdmin.averageDuration({ within: wrong }))],
  ["within of hourly", "within", ask(SessionAdmin.hourly({ within: wrong }))],
  ["within of page", "within", ask(SessionAdmin.page({ within: wrong }))],
  ["a page of nothing", "limit", ask(SessionAdmin.page({ limit: 0 }))],
  ["a page of a part", "limit", ask(SessionAdmin.page({ limit: 1.5 }))],
  ["a page of too much", "limit", ask(SessionAdmin.page({ limit: 1001 }))],
  ["a too long within", "within", ask(SessionAdmin.hourly({ within: "9999 days" }))],
  ["an idle timeout", "idleTimeout", Effect.sync(() => SessionGuard.idleTimeout(wrong))],
  ["a prefix", "ipv4Prefix", Effect.sync(() => SessionGuard.ipAddressWith({ ipv4Prefix: 33 }))],
  ["an origin", "origins", Effect.sync(() => Csrf.middlewareWith({ origins: ["example.com"] }))],
  [
    "a form of nothing",
    "maxFormBytes",
    Effect.sync(() => Csrf.middlewareWith({ maxFormBytes: 0 }))
  ],
  [
    "an audit log of nothing",
    "capacity",
    Effect.suspend(() => build(SessionEvents.layerAudit(() => Effect.void, { capacity: 0 })))
  ]
]

describe("an option that cannot be used", () => {
  it.effect.each(cases)("%s is a SessionConfigError that names it", ([, field, run]) =>
    Effect.gen(function* () {
      const error = Cause.squash(yield* Effect.flip(Effect.sandbox(run)))

      expect(error).toBeInstanceOf(SessionConfigError)
      expect(error).toMatchObject({ field })
      expect(String((error as Error).message)).toMatch(/^The session setting \w+ .*\.$/)
    })
  )
})
