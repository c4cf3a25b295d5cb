/**
 * Processes that migrate at once, step by step: each call to one of the two stores waits for its turn, and a schedule says
 * whose turn it is, or who stops for ever. fast-check looks for a schedule that breaks a promise.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { moveAll } from "../src/internal/store/migrating/copyAll.js"
import { makeMigrating } from "../src/internal/store/migrating/store.js"
import type { Service, SessionRecord, SessionStoreError } from "../src/SessionStore.js"
import { layerMemoryWith, make as makeStore, SessionStore } from "../src/SessionStore.js"

/** Whose turn is next: a process, by its number; with `stops`, that process never goes on. */
interface Turn {
  readonly process: number
  readonly stops: boolean
}

type Process = (stores: {
  readonly store: Service
  readonly from: Service
  readonly to: Service
}) => Effect.Effect<unknown, SessionStoreError>

const aTurn = (processes: number, mayStop: boolean): fc.Arbitrary<Turn> =>
  fc.record({
    process: fc.nat(processes - 1),
    stops: mayStop ? fc.nat(30).map((drawn) => drawn === 0) : fc.constant(false)
  })

const schedules = (processes: number, mayStop: boolean) =>
  fc.array(aTurn(processes, mayStop), { minLength: 10, maxLength: 40 })

const tick = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Two memory stores at a time that only the test moves. */
const aWorld = () => {
  let nowMillis = 0
  const clock: Clock.Clock = {
    ...Clock.make(),
    unsafeCurrentTimeMillis: () => nowMillis,
    currentTimeMillis: Effect.sync(() => nowMillis)
  }
  const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
    Effect.runPromise(Effect.withClock(effect, clock))
  const fork = <A, E>(effect: Effect.Effect<A, E>) =>
    Effect.runFork(Effect.withClock(effect, clock))
  const memory = (keepEnded: boolean) =>
    Effect.runSync(
      Effect.scoped(
        Effect.map(
          Layer.build(layerMemoryWith({ keepEnded: keepEnded ? "7 days" : 0 })),
          Context.get(SessionStore)
        )
      )
    )
  const pass = (millis: number) =>
    Effect.sync(() => {
      nowMillis += millis
    })
  return { run, fork, memory, pass }
}

type World = ReturnType<typeof aWorld>

/** The store as one process uses it: every call, and the start of every listing, waits for its turn. */
const waiting = (store: Service, turn: Effect.Effect<void>): Service => ({
  ...store,
  find: (id) => Effect.zipRight(turn, store.find(id)),
  insert: (record) => Effect.zipRight(turn, store.insert(record)),
  update: (record, version) => Effect.zipRight(turn, store.update(record, version)),
  move: (id, record, version) => Effect.zipRight(turn, store.move(id, record, version)),
  remove: (id) => Effect.zipRight(turn, store.remove(id)),
  entries: (filter) => Stream.unwrap(Effect.as(turn, store.entries(filter))),
  touch: (...args) => Effect.zipRight(turn, store.touch(...args)),
  removeWhere: (...args) => Effect.zipRight(turn, store.removeWhere(...args)),
  revokeUser: (options) => Effect.zipRight(turn, store.revokeUser(options))
})

/** Runs the processes by a schedule; when it is over, those that were not stopped go on in turns. */
const play = async (
  world: World,
  { from, to }: { readonly from: Service; readonly to: Service },
  processes: ReadonlyArray<Process>,
  schedule: ReadonlyArray<Turn>
): Promise<ReadonlyArray<"done" | "stopped">> => {
  const gates = new Map<number, () => void>()
  const open = new Set(processes.keys())
  const outcome: Array<"done" | "stopped"> = processes.map(() => "done")
  const failures: Array<unknown> = []
  const fibers = processes.map((process, number) => {
    const turn = Effect.async<void>((resume) => {
      gates.set(number, () => resume(Effect.void))
    })
    const own = { from: waiting(from, turn), to: waiting(to, turn) }
    const store = makeStore(makeMigrating({ ...own, copied: 0 }))
    const fiber = world.fork(process({ ...own, store }))
    fiber.addObserver((exit) => {
      open.delete(number)
      if (exit._tag === "Failure" && outcome[number] !== "stopped") failures.push(exit.cause)
    })
    return fiber
  })
  const atRest = async () => {
    while ([...open].some((number) => !gates.has(number))) await tick()
  }
  const take = async ({ process, stops }: Turn) => {
    await atRest()
    const gate = gates.get(process)
    if (gate === undefined) return
    gates.delete(process)
    if (!stops) return gate()
    outcome[process] = "stopped"
    open.delete(process)
    const fiber = fibers[process]
    if (fiber !== undefined) await Effect.runPromise(Fiber.interrupt(fiber))
  }
  for (const turn of schedule) await take(turn)
  while (open.size > 0) {
    for (const process of [...open]) await take({ process, stops: false })
    await tick()
  }
  expect(failures).toEqual([])
  return outcome
}

const aRecord = (name: string, given?: Partial<SessionRecord>): SessionRecord => ({
  id: name.padEnd(40, "0"),
  namespace: "session",
  userId: "7",
  ipAddress: "192.0.2.1",
  userAgent: "test",
  createdAtMillis: 0,
  lastActivityMillis: 0,
  expiresAtMillis: 3_600_000,
  endedAtMillis: null,
  version: 1,
  previous: null,
  payload: "0",
  ...given
})

const a = aRecord("a")
const b = aRecord("b", {
  version: 2,
  previous: { id: a.id, kind: "quarantine", untilMillis: 5000, sealedToken: null }
})

/** What a server that only just started finds under an id. */
const found = (
  world: World,
  stores: { readonly from: Service; readonly to: Service },
  id: string
) => world.run(makeMigrating({ ...stores, copied: 0 }).find(id))

/** Checks a promise over many schedules, on stores that keep ended sessions and on such that do not. */
const always = (
  processes: ReadonlyArray<Process>,
  options: { readonly mayStop: boolean; readonly stored?: ReadonlyArray<SessionRecord> },
  promise: (after: {
    readonly world: World
    readonly from: Service
    readonly to: Service
    readonly outcome: ReadonlyArray<"done" | "stopped">
  }) => Promise<void>
) =>
  fc.assert(
    fc.asyncProperty(
      schedules(processes.length, options.mayStop),
      fc.boolean(),
      async (schedule, keeps) => {
        const world = aWorld()
        const stores = { from: world.memory(keeps), to: world.memory(keeps) }
        for (const record of options.stored ?? [a]) await world.run(stores.from.insert(record))
        const outcome = await play(world, stores, processes, schedule)
        await promise({ world, ...stores, outcome })
      }
    ),
    { numRuns: 200 }
  )

const finding: Process = ({ store }) => store.find(a.id)

describe("processes that copy a session at once", () => {
  it("lose nothing and leave one session, whichever of them stops", () =>
    always([finding, finding, finding], { mayStop: true }, async ({ world, from, to }) => {
      const record = await found(world, { from, to }, a.id)

      expect(record).toEqual(Option.some(a))
      expect((await world.run(to.count({ state: "live" }))).sessions).toBe(1)
      await world.run(moveAll({ from, to, copied: 0 }))
      expect((await world.run(from.count({}))).sessions).toBe(0)
      expect(await found(world, { from, to }, a.id)).toEqual(Option.some(a))
    }))

  it("each find it", () => {
    const findsIt: Process = ({ store }) =>
      Effect.map(store.find(a.id), (record) => expect(record).toEqual(Option.some(a)))
    return always([findsIt, findsIt, findsIt], { mayStop: true }, async () => {})
  })

  it("list it exactly once, also while it is copied and logs in", () => {
    const lists: Process = ({ store }) =>
      Effect.map(Stream.runCollect(store.entries({ userId: "7" })), (entries) =>
        expect(entries.length).toBe(1)
      )
    const logsIn: Process = ({ store }) =>
      Effect.zipRight(store.find(a.id), store.move(a.id, b, a.version))
    return always([lists, finding, logsIn], { mayStop: false }, async () => {})
  })

  it("lose no update", () => {
    const increments: Process = ({ store }) => {
      const again: Effect.Effect<void, SessionStoreError> = Effect.gen(function* () {
        const record = Option.getOrThrow(yield* store.find(a.id))
        const payload = String(Number(record.payload) + 1)
        const next = { ...record, version: record.version + 1, payload }
        if (!(yield* store.update(next, record.version))) yield* again
      })
      return again
    }
    return always(
      [increments, increments, finding],
      { mayStop: false },
      async ({ world, from, to }) => {
        const record = Option.getOrThrow(await found(world, { from, to }, a.id))

        expect(record.payload).toBe("2")
      }
    )
  })

  it("lose no update that a server makes which was not switched", () => {
    let written = 0
    const old: Process = ({ from }) =>
      Effect.gen(function* () {
        written = 0
        for (let tries = 0; tries < 3; tries++) {
          const record = Option.getOrUndefined(yield* from.find(a.id))
          if (record?.payload.match(/^\d+$/) == null) return
          const next = { ...record, version: record.version + 1, payload: String(written + 1) }
          if (yield* from.update(next, record.version)) written += 1
        }
      })
    return always([old, finding, finding], { mayStop: false }, async ({ world, from, to }) => {
      const record = Option.getOrThrow(await found(world, { from, to }, a.id))

      expect(record.payload).toBe(String(written))
    })
  })
})

describe("processes that copy a session while it ends", () => {
  const endings: ReadonlyArray<readonly [string, Process]> = [
    ["remove", ({ store }) => store.remove(a.id)],
    ["removeWhere", ({ store }) => store.removeWhere({ namespace: "session" })],
    ["revokeUser", ({ store }) => store.revokeUser({ namespace: "session", userId: "7" })]
  ]
  for (const [name, ends] of endings) {
    it(`never bring it back after ${name}, whichever of them stops`, () =>
      always([finding, finding, ends], { mayStop: true }, async ({ world, from, to, outcome }) => {
        if (outcome[2] === "stopped") return

        expect(await found(world, { from, to }, a.id)).toEqual(Option.none())
        await world.run(moveAll({ from, to, copied: 0 }))
        expect(await found(world, { from, to }, a.id)).toEqual(Option.none())
        expect((await world.run(to.count({}))).sessions).toBe(0)
      }))
  }

  it("tell one who removes it that there was one", () => {
    const removes: Process = ({ store }) =>
      Effect.map(store.remove(a.id), (ended) => expect(Option.isSome(ended)).toBe(true))
    return always([finding, finding, removes], { mayStop: false }, async () => {})
  })
})

describe("processes that copy a session while it logs in", () => {
  it("never bring the old id back, whichever of them stops", () => {
    let loggedIn = false
    const logsIn: Process = ({ store }) =>
      Effect.gen(function* () {
        loggedIn = false
        yield* store.find(a.id)
        loggedIn = yield* store.move(a.id, b, a.version)
      })
    return always([finding, finding, logsIn], { mayStop: true }, async ({ world, from, to }) => {
      if (!loggedIn) return
      await world.run(world.pass(5000))

      expect(await found(world, { from, to }, a.id)).toEqual(Option.none())
      expect(await found(world, { from, to }, b.id)).toEqual(Option.some(b))
      expect((await world.run(to.count({}))).sessions).toBe(1)
    })
  })

  it("never bring the old id back after its quarantine, however late they are", () =>
    fc.assert(
      fc.asyncProperty(schedules(4, false), async (schedule) => {
        const world = aWorld()
        const stores = { from: world.memory(false), to: world.memory(false) }
        await world.run(stores.from.insert(a))
        let isOver = false
        const logsIn: Process = ({ store }) =>
          Effect.gen(function* () {
            yield* store.find(a.id)
            yield* store.move(a.id, b, a.version)
            // A step of its own, so that others come before and after it.
            yield* store.find(b.id)
            yield* world.pass(5000)
            isOver = true
          })
        const late: Process = ({ store }) =>
          Effect.suspend(() => {
            const wasOver = isOver
            return Effect.map(store.find(a.id), (record) => {
              if (wasOver) expect(record).toEqual(Option.none())
            })
          })

        await play(world, stores, [logsIn, late, late, late], schedule)

        expect(await found(world, stores, a.id)).toEqual(Option.none())
        expect(await found(world, stores, b.id)).toEqual(Option.some(b))
      }),
      { numRuns: 200 }
    ))
})

describe("processes that follow an alias while its session is copied", () => {
  it("all find the session", () => {
    const old = "0".repeat(40)
    const previous = { id: old, kind: "alias", untilMillis: 30_000, sealedToken: "s" } as const
    const session = { ...a, previous }
    const follows: Process = ({ store }) =>
      Effect.map(store.find(old), (record) => expect(record).toEqual(Option.some(session)))
    return always(
      [follows, follows, finding],
      { mayStop: true, stored: [session] },
      async ({ world, from, to }) => {
        expect(await found(world, { from, to }, old)).toEqual(Option.some(session))
      }
    )
  })
})
