import { describe, expect, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Option, Tracer } from "effect"
import * as Batcher from "../../src/internal/sql/batcher.js"

/** A statement that was sent and waits for the test to answer it. */
interface Sent {
  readonly keys: ReadonlyArray<string>
  readonly parentSpan: Option.Option<Tracer.AnySpan>
  readonly answer: Deferred.Deferred<ReadonlyArray<string | undefined>, string>
}

/** A store that keeps every statement waiting until the test answers it, and a batcher before it. */
const aStore = (options?: Partial<Batcher.Options<string, string, string>>) =>
  Effect.gen(function* () {
    const sent: Array<Sent> = []
    const send = (keys: ReadonlyArray<string>) =>
      Effect.gen(function* () {
        const answer = yield* Deferred.make<ReadonlyArray<string | undefined>, string>()
        const parentSpan = Context.getOption(yield* Effect.context<never>(), Tracer.ParentSpan)
        sent.push({ keys, parentSpan, answer })
        return yield* Deferred.await(answer)
      })
    const run = yield* Batcher.make<string, string, string>({
      single: (call) => Effect.map(send([call]), ([answer]) => answer ?? "none"),
      batch: send,
      key: (call) => call,
      allowsSameKey: false,
      inFlight: 2,
      retriesSingly: () => false,
      ...options
    })
    const keys = () => sent.map((statement) => statement.keys)
    return { run, sent, keys }
  })

type Store = Effect.Effect.Success<ReturnType<typeof aStore>>

const call = (store: Store, key: string) =>
  Effect.tap(Effect.fork(store.run(key)), () => Effect.yieldNow())

/** Lets what waits for the end of the event loop's turn happen. */
const turn = Effect.zipRight(
  Effect.async<void>((resume) => {
    setImmediate(() => resume(Effect.void))
  }),
  Effect.yieldNow()
)

/** Calls in one turn of the event loop, and lets the next one pass, in which they are sent. */
const callTogether = (store: Store, keys: ReadonlyArray<string>) =>
  Effect.zipLeft(
    Effect.forEach(keys, (key) => Effect.fork(store.run(key))),
    Effect.zipRight(turn, turn)
  )

const succeed = (store: Store, index: number) => {
  const statement = store.sent[index]
  if (statement === undefined) return Effect.dieMessage(`No statement ${index} was sent.`)
  const answers = statement.keys.map((key) => `answer ${key}`)
  return Effect.zipRight(Deferred.succeed(statement.answer, answers), turn)
}

const fail = (store: Store, index: number) =>
  Effect.zipRight(
    Effect.suspend(() => Deferred.fail(store.sent[index]?.answer as Sent["answer"], "broken")),
    turn
  )

/** Two statements in flight, so that whatever comes next waits. */
const aBusyStore = (options?: Partial<Batcher.Options<string, string, string>>) =>
  Effect.gen(function* () {
    const store = yield* aStore(options)
    yield* call(store, "first")
    yield* call(store, "second")
    yield* turn
    return store
  })

describe("a lone call", () => {
  it.effect("is sent before anything else happens", () =>
    Effect.gen(function* () {
      const run = yield* Batcher.make<string, string, never>({
        single: (key) => Effect.succeed(`answer ${key}`),
        batch: () => Effect.die("not a batch"),
        key: (key) => key,
        allowsSameKey: false,
        inFlight: 2,
        retriesSingly: () => false
      })

      const exit = Effect.runSyncExit(run("a"))

      expect(exit).toEqual(Exit.succeed("answer a"))
    })
  )

  it.effect("runs in its caller's span", () =>
    Effect.gen(function* () {
      const store = yield* aStore()

      yield* Effect.fork(Effect.withSpan(store.run("a"), "request"))
      yield* turn

      expect(Option.isSome(store.sent[0]?.parentSpan ?? Option.none())).toBe(true)
    })
  )

  it.effect("leaves nothing behind when it fails", () =>
    Effect.gen(function* () {
      const store = yield* aStore()
      const failed = yield* call(store, "a")
      yield* fail(store, 0)
      expect(yield* Fiber.await(failed)).toEqual(Exit.fail("broken"))

      yield* call(store, "b")

      expect(store.keys()).toEqual([["a"], ["b"]])
    })
  )

  it.effect("leaves nothing behind when it is interrupted", () =>
    Effect.gen(function* () {
      const store = yield* aStore()
      yield* Fiber.interrupt(yield* call(store, "a"))

      yield* call(store, "b")

      expect(store.keys()).toEqual([["a"], ["b"]])
    })
  )
})

describe("calls beside one that is in flight", () => {
  it.effect("share a statement, sorted by key", () =>
    Effect.gen(function* () {
      const store = yield* aStore()
      yield* call(store, "first")

      yield* callTogether(store, ["c", "a", "b"])

      expect(store.keys()).toEqual([["first"], ["a", "b", "c"]])
    })
  )

  it.effect("each get their own answer", () =>
    Effect.gen(function* () {
      const store = yield* aStore()
      yield* call(store, "first")
      const fibers = yield* callTogether(store, ["c", "a", "b"])

      yield* succeed(store, 1)

      expect(yield* Effect.forEach(fibers, Fiber.join)).toEqual([
        "answer c",
        "answer a",
        "answer b"
      ])
    })
  )

  it.effect("run in nobody's span", () =>
    Effect.gen(function* () {
      const store = yield* Effect.withSpan(aStore(), "layer")
      yield* call(store, "first")

      yield* Effect.fork(Effect.withSpan(store.run("a"), "request"))
      yield* Effect.fork(Effect.withSpan(store.run("b"), "request"))
      yield* turn
      yield* turn

      expect(store.sent[1]?.keys).toEqual(["a", "b"])
      expect(store.sent[1]?.parentSpan).toEqual(Option.none())
    })
  )

  it.effect("wait while two statements are in flight", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()

      yield* call(store, "a")
      yield* call(store, "b")
      yield* turn

      expect(store.keys()).toEqual([["first"], ["second"]])
    })
  )

  it.effect("wait for the only one that may be in flight", () =>
    Effect.gen(function* () {
      const store = yield* aStore({ inFlight: 1 })
      yield* call(store, "first")
      yield* call(store, "a")
      yield* call(store, "b")
      yield* turn
      expect(store.keys()).toEqual([["first"]])

      yield* succeed(store, 0)

      expect(store.keys()).toEqual([["first"], ["a", "b"]])
    })
  )

  it.effect("are sent as soon as a statement ends", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()
      yield* call(store, "a")
      yield* call(store, "b")

      yield* succeed(store, 0)

      expect(store.keys()).toEqual([["first"], ["second"], ["a", "b"]])
    })
  )

  it.effect("go at most 64 to a statement", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()
      yield* Effect.forEach(
        Array.from({ length: 70 }, (_, n) => `id ${n}`),
        (key) => call(store, key)
      )

      yield* succeed(store, 0)
      yield* succeed(store, 1)

      expect(store.keys().map((keys) => keys.length)).toEqual([1, 1, 64, 6])
    })
  )

  it.effect("go ahead of a statement that does not end", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()
      const fiber = yield* call(store, "a")

      yield* Effect.repeat(turn, { until: () => store.sent.length > 2 })
      yield* succeed(store, 2)

      expect(yield* Fiber.join(fiber)).toBe("answer a")
    })
  )
})

describe("calls with the same key", () => {
  it.effect("never share a statement when they are kept apart", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()
      yield* Effect.forEach(["a", "b", "a"], (key) => call(store, key))

      yield* succeed(store, 0)
      yield* succeed(store, 1)

      expect(store.keys().slice(2)).toEqual([["a", "b"], ["a"]])
    })
  )

  it.effect("share a statement when they may", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore({ allowsSameKey: true })
      yield* Effect.forEach(["a", "b", "a"], (key) => call(store, key))

      yield* succeed(store, 0)

      expect(store.keys()[2]).toEqual(["a", "a", "b"])
    })
  )
})

describe("a batch that fails", () => {
  it.effect("is tried call by call, so that a bad one fails alone", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore({ retriesSingly: (error) => error === "broken" })
      const good = yield* call(store, "good")
      const bad = yield* call(store, "bad")
      yield* succeed(store, 0)
      yield* fail(store, 2)

      expect(store.keys().slice(3)).toEqual([["bad"], ["good"]])
      yield* fail(store, 3)
      yield* succeed(store, 4)

      expect(yield* Fiber.await(bad)).toEqual(Exit.fail("broken"))
      expect(yield* Fiber.await(good)).toEqual(Exit.succeed("answer good"))
    })
  )

  it.effect("fails every call where a second try may do harm", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()
      const fibers = yield* Effect.forEach(["a", "b"], (key) => call(store, key))
      yield* succeed(store, 0)

      yield* fail(store, 2)

      expect(store.sent.length).toBe(3)
      expect(yield* Effect.forEach(fibers, Fiber.await)).toEqual([
        Exit.fail("broken"),
        Exit.fail("broken")
      ])
    })
  )

  it.effect("passes a defect on to every call", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore({
        batch: () => {
          throw new Error("a bug")
        }
      })
      const fibers = yield* Effect.forEach(["a", "b"], (key) => call(store, key))

      yield* succeed(store, 0)

      const exits = yield* Effect.forEach(fibers, Fiber.await)
      expect(exits).toEqual([Exit.die(new Error("a bug")), Exit.die(new Error("a bug"))])
    })
  )
})

describe("a call that a batch leaves without an answer", () => {
  it.effect("is run by itself", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()
      const locked = yield* call(store, "locked")
      yield* call(store, "other")
      yield* succeed(store, 0)

      yield* Deferred.succeed(store.sent[2]?.answer as Sent["answer"], [undefined, "answer other"])
      yield* turn
      yield* succeed(store, 3)

      expect(store.keys()[3]).toEqual(["locked"])
      expect(yield* Fiber.join(locked)).toBe("answer locked")
    })
  )
})

describe("a caller that is interrupted", () => {
  it.effect("is not in the next batch", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()
      yield* call(store, "a")
      yield* Fiber.interrupt(yield* call(store, "b"))
      yield* call(store, "c")

      yield* succeed(store, 0)

      expect(store.keys()[2]).toEqual(["a", "c"])
    })
  )

  it.effect("does not stop the batch it is in", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore()
      const interrupted = yield* call(store, "a")
      const neighbour = yield* call(store, "b")
      yield* succeed(store, 0)

      yield* Fiber.interrupt(interrupted)
      yield* succeed(store, 2)

      expect(yield* Fiber.join(neighbour)).toBe("answer b")
    })
  )

  it.effect("is not tried again when the batch fails", () =>
    Effect.gen(function* () {
      const store = yield* aBusyStore({ retriesSingly: () => true })
      const interrupted = yield* call(store, "a")
      yield* call(store, "b")
      yield* succeed(store, 0)
      yield* Fiber.interrupt(interrupted)

      yield* fail(store, 2)

      expect(store.keys().slice(3)).toEqual([["b"]])
    })
  )
})
