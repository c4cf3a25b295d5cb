import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Fault, isFault } from "../../src/core/session/fault.js"
import { flashIds, flashOf } from "../../src/core/session/flash.js"
import type { Json } from "../../src/core/session/json.js"
import {
  adding,
  apply,
  applyAll,
  Misfit,
  type Operation,
  pushing
} from "../../src/core/session/operation.js"
import { all, read } from "../../src/core/session/read.js"
import { initial, type State } from "../../src/core/session/state.js"

const now = 1_000_000
const blank = initial("secret", now)

/** What a handler asks for, before it is recorded against what it sees. */
type Step =
  | { readonly kind: "put"; readonly name: string; readonly value: Json }
  | { readonly kind: "putFor"; readonly name: string; readonly value: Json }
  | { readonly kind: "putPast"; readonly name: string; readonly value: Json }
  | { readonly kind: "missing"; readonly name: string; readonly value: Json }
  | { readonly kind: "add"; readonly name: string; readonly by: number }
  | { readonly kind: "push"; readonly name: string; readonly value: Json }
  | { readonly kind: "forget"; readonly name: string }
  | { readonly kind: "flash"; readonly name: string; readonly value: Json }
  | { readonly kind: "now"; readonly name: string; readonly value: Json }
  | { readonly kind: "keep"; readonly name: string }
  | { readonly kind: "clear" }
  | { readonly kind: "flush" }

const nameArbitrary = fc.constantFrom("a", "b", "c")
const valueArbitrary: fc.Arbitrary<Json> = fc.oneof(
  fc.constant(null),
  fc.integer({ min: -9, max: 9 }),
  fc.constantFrom("x", ""),
  fc.array(fc.nat(3), { maxLength: 2 })
)

const valued = <const K extends string>(kind: K) =>
  fc.record({ kind: fc.constant(kind), name: nameArbitrary, value: valueArbitrary })

const named = <const K extends string>(kind: K) =>
  fc.record({ kind: fc.constant(kind), name: nameArbitrary })

const dataSteps: ReadonlyArray<fc.Arbitrary<Step>> = [
  valued("put"),
  valued("putFor"),
  valued("putPast"),
  valued("missing"),
  fc.record({
    kind: fc.constant("add" as const),
    name: nameArbitrary,
    by: fc.integer({ min: -5, max: 5 })
  }),
  valued("push"),
  named("forget"),
  fc.constant<Step>({ kind: "clear" })
]

const steps: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
  fc.oneof(
    ...dataSteps,
    valued("flash"),
    valued("now"),
    named("keep"),
    fc.constant<Step>({ kind: "flush" })
  ),
  { maxLength: 25 }
)

let ids = 0
const fresh = (value: Json) => ({ id: `f${ids++}`, value })

const seenIn = (state: State, name: string): ReadonlyArray<string> =>
  [state.flash, state.now].flatMap((entries) => {
    const entry = Object.hasOwn(entries, name) ? entries[name] : undefined
    return entry === undefined ? [] : [entry.id]
  })

/** Resolves a step as a request does: with the flash it sees and the instants and ids it makes. */
const recorded = (state: State, step: Step): Operation | undefined => {
  if (step.kind === "clear") return { _tag: "clearData" }
  if (step.kind === "flush") return { _tag: "flush", csrfSecret: "flushed" }
  const { name } = step
  const common = { path: [name], seen: seenIn(state, name), atMillis: now }
  switch (step.kind) {
    case "put":
      return { _tag: "put", ...common, value: step.value, ttlMillis: null }
    case "putFor":
      return { _tag: "put", ...common, value: step.value, ttlMillis: now + 60_000 }
    case "putPast":
      return { _tag: "put", ...common, value: step.value, ttlMillis: now }
    case "missing":
      return { _tag: "putMissing", ...common, own: state.now[name], value: step.value }
    case "add":
      return { _tag: "modify", ...common, own: state.now[name], change: adding(step.by) }
    case "push":
      return { _tag: "modify", ...common, own: state.now[name], change: pushing(step.value) }
    case "forget":
      return { _tag: "forget", paths: [[name]], seen: common.seen }
    case "flash":
      return { _tag: "flash", name, entry: fresh(step.value) }
    case "now":
      return { _tag: "now", name, entry: fresh(step.value) }
    case "keep": {
      const shown = flashOf(state, name)
      return shown && { _tag: "keep", name, entry: fresh(shown.value), seen: common.seen }
    }
  }
}

/** Runs steps as one request does; a step that does not fit is skipped, as a handler that catches the error does. */
const request = (state: State, given: ReadonlyArray<Step>) => {
  const operations: Array<Operation> = []
  let current = state
  for (const step of given) {
    const operation = recorded(current, step)
    if (operation === undefined) continue
    const next = apply(current, operation)
    if (isFault(next)) continue
    current = next
    operations.push(operation)
  }
  return { state: current, operations }
}

/** The naive model: two maps of what is visible, changed in place. */
const model = () => {
  const data = new Map<string, Json>()
  const flash = new Map<string, Json>()
  const now_ = new Map<string, Json>()
  const shown = (name: string): Json | undefined =>
    now_.get(name) ??
    (now_.has(name) ? null : (flash.get(name) ?? (flash.has(name) ? null : data.get(name))))
  const write = (name: string, value: Json) => {
    now_.delete(name)
    flash.delete(name)
    data.set(name, value)
  }
  const drop = (name: string) => {
    now_.delete(name)
    flash.delete(name)
    data.delete(name)
  }
  const run = (step: Step): void => {
    switch (step.kind) {
      case "put":
      case "putFor":
        write(step.name, step.value)
        return
      case "putPast":
      case "forget":
        drop(step.name)
        return
      case "missing":
        if ((shown(step.name) ?? null) === null) write(step.name, step.value)
        return
      case "add": {
        const value = shown(step.name) ?? 0
        if (typeof value === "number") write(step.name, value + step.by)
        return
      }
      case "push": {
        const value = shown(step.name) ?? []
        if (Array.isArray(value)) write(step.name, [...value, step.value])
        return
      }
      case "flash":
        now_.delete(step.name)
        flash.set(step.name, step.value)
        return
      case "now":
        now_.set(step.name, step.value)
        return
      case "keep":
        if (now_.has(step.name)) flash.set(step.name, now_.get(step.name) as Json)
        now_.delete(step.name)
        return
      case "clear":
        data.clear()
        return
      case "flush":
        data.clear()
        flash.clear()
        now_.clear()
    }
  }
  return {
    run,
    visible: () => ({
      ...Object.fromEntries(data),
      ...Object.fromEntries(flash),
      ...Object.fromEntries(now_)
    }),
    next: () => ({ ...Object.fromEntries(data), ...Object.fromEntries(flash) })
  }
}

const runAll = (state: State, operations: ReadonlyArray<Operation>): State => {
  const result = applyAll(state, operations)
  if (result instanceof Misfit) throw new Error(result.fault.reason)
  return result
}

describe("apply", () => {
  it("shows what a naive model shows, after any sequence of operations", () => {
    fc.assert(
      fc.property(steps, (given) => {
        const expected = model()
        for (const step of given) expected.run(step)

        const { state } = request(blank, given)

        expect(all(state, now)).toEqual(expected.visible())
        expect(all({ ...state, now: {} }, now)).toEqual(expected.next())
      }),
      { numRuns: 500 }
    )
  })

  it("never changes the state it is given", () => {
    fc.assert(
      fc.property(steps, steps, (before, given) => {
        const { state } = request(blank, before)
        const copy = structuredClone(state)

        request(state, given)

        expect(state).toEqual(copy)
      })
    )
  })

  it("gives the same state for the recorded operations as for the request itself", () => {
    fc.assert(
      fc.property(steps, steps, (before, given) => {
        const snapshot = request(blank, before).state

        const { operations, state } = request(snapshot, given)

        expect(runAll(snapshot, operations)).toEqual(state)
      })
    )
  })
})

describe("replay on what a parallel request committed", () => {
  const number = fc.integer({ min: -9, max: 9 })
  const list = fc.array(fc.nat(3), { maxLength: 2 })
  const kinds = <const K extends "put" | "putFor" | "putPast" | "missing", A>(
    name: string,
    value: fc.Arbitrary<A>,
    ...among: ReadonlyArray<K>
  ) => fc.record({ kind: fc.constantFrom(...among), name: fc.constant(name), value })
  /** Steps that fit whatever the other request does: one key holds numbers, one lists, one anything. */
  const fitting: fc.Arbitrary<ReadonlyArray<Step>> = fc.array(
    fc.oneof(
      kinds("a", number, "put", "putFor", "putPast", "missing"),
      fc.record({ kind: fc.constant("add" as const), name: fc.constant("a"), by: number }),
      kinds("b", list, "put", "putFor", "putPast", "missing"),
      fc.record({ kind: fc.constant("push" as const), name: fc.constant("b"), value: number }),
      kinds("c", valueArbitrary, "put", "putFor", "putPast", "missing"),
      named("forget"),
      fc.constant<Step>({ kind: "clear" })
    ),
    { maxLength: 15 }
  )

  it("equals running the two requests one after the other", () => {
    fc.assert(
      fc.property(fitting, fitting, fitting, (before, a, b) => {
        const snapshot = request(blank, before).state
        const committed = runAll(snapshot, request(snapshot, a).operations)

        const replayed = runAll(committed, request(snapshot, b).operations)

        expect(replayed).toEqual(request(committed, b).state)
      }),
      { numRuns: 500 }
    )
  })

  it("loses no increment of either", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -99, max: 99 })), fc.array(fc.nat(99)), (a, b) => {
        const adds = (list: ReadonlyArray<number>) =>
          list.map((by): Step => ({ kind: "add", name: "a", by }))
        const committed = request(blank, adds(a)).state

        const replayed = runAll(committed, request(blank, adds(b)).operations)

        const sum = [...a, ...b].reduce((total, by) => total + by, 0)
        expect(read(replayed, ["a"], now) ?? 0).toBe(sum)
      })
    )
  })

  it("says which operation no longer fits", () => {
    const [add] = request(blank, [{ kind: "add", name: "a", by: 1 }]).operations
    const committed: State = { ...blank, data: { a: "text" } }

    const result = applyAll(committed, [add as Operation])

    expect(result).toMatchObject({ fault: { kind: "type" }, operation: { _tag: "modify" } })
  })

  it("leaves a value another request has remembered first", () => {
    const { operations } = request(blank, [{ kind: "missing", name: "a", value: 2 }])
    const committed: State = { ...blank, data: { a: 1 } }

    expect(runAll(committed, operations).data).toEqual({ a: 1 })
  })

  const parallelFlash: State = { ...blank, flash: { a: { id: "parallel", value: "theirs" } } }
  const blind: ReadonlyArray<Step> = [
    { kind: "put", name: "a", value: 1 },
    { kind: "add", name: "a", by: 1 },
    { kind: "missing", name: "a", value: 1 },
    { kind: "forget", name: "a" }
  ]

  it.each(blind)("leaves a flash it had not seen: $kind", (step) => {
    const { operations } = request(blank, [step])

    expect(runAll(parallelFlash, operations).flash).toEqual(parallelFlash.flash)
  })

  it("leaves what is in a flash it had not seen", () => {
    const theirs: State = { ...blank, flash: { a: { id: "parallel", value: { x: 1 } } } }

    const result = apply(theirs, { _tag: "forget", paths: [["a", "x"]], seen: [] })

    expect(result).toEqual(theirs)
  })

  it("removes with put the flash it had seen", () => {
    const { operations } = request(parallelFlash, [{ kind: "put", name: "a", value: 1 }])

    expect(runAll(parallelFlash, operations).flash).toEqual({})
  })
})

describe("ageing", () => {
  it("removes exactly the entries that were seen", () => {
    fc.assert(
      fc.property(steps, steps, (before, after) => {
        const snapshot = request(blank, before).state
        const seen = flashIds(snapshot)
        const later = request(snapshot, after).state

        const aged = apply(later, { _tag: "age", seen }) as State

        const kept = Object.entries(later.flash).filter(([, entry]) => !seen.includes(entry.id))
        expect(aged.flash).toEqual(Object.fromEntries(kept))
      })
    )
  })

  it("leaves what keep has flashed anew", () => {
    const state: State = { ...blank, flash: { a: { id: "old", value: 1 } } }
    const { state: kept } = request(state, [{ kind: "keep", name: "a" }])

    const aged = apply(kept, { _tag: "age", seen: ["old"] }) as State

    expect(read(aged, ["a"], now)).toBe(1)
  })

  it("leaves the newer flash of a parallel request when an older one is kept", () => {
    const state: State = { ...blank, flash: { a: { id: "old", value: 1 } } }
    const { operations } = request(state, [{ kind: "keep", name: "a" }])
    const newer: State = { ...blank, flash: { a: { id: "new", value: 2 } } }

    expect(runAll(newer, operations).flash).toEqual(newer.flash)
  })
})

describe("forget of several paths", () => {
  const listed: State = { ...blank, data: { l: ["a", "b", "c"], k: 1 }, ttl: { k: now + 1 } }
  const both: Operation = {
    _tag: "forget",
    paths: [["l", "0"], ["l", "1"], ["k"]],
    seen: []
  }

  it("removes the elements that had these indexes, and the TTL of a key", () => {
    expect(apply(listed, both)).toEqual({ ...listed, data: { l: ["c"] }, ttl: {} })
  })

  it("counts the elements of the newer state when it runs again", () => {
    const committed: State = { ...listed, data: { l: ["new", "a", "b", "c"] } }

    expect(apply(committed, both)).toMatchObject({ data: { l: ["b", "c"] } })
  })

  it.each(["flash" as const, "now" as const])(
    "takes a seen entry of %s, or what is in it",
    (kind) => {
      const seeing: State = { ...blank, [kind]: { l: { id: "f", value: { x: 1, y: 2 } } } }
      const forget = (...path: ReadonlyArray<string>) =>
        apply(seeing, { _tag: "forget", paths: [path], seen: ["f"] })

      expect(forget("l")).toEqual(blank)
      expect(Object.keys((forget("l") as State)[kind])).toEqual([])
      expect(forget("l", "x")).toEqual({ ...blank, [kind]: { l: { id: "f", value: { y: 2 } } } })
    }
  )

  it("counts the elements of a seen flash in the same way", () => {
    const flashed: State = { ...blank, flash: { l: { id: "f", value: [1, 2, 3] } } }

    const result = apply(flashed, { ...both, seen: ["f"] }) as State

    expect(read(result, ["l"], now)).toEqual([3])
  })
})

describe("depth", () => {
  const nested = (levels: number): Json => {
    let value: Json = 1
    for (let level = 0; level < levels; level++) value = [value]
    return value
  }
  const segments = (count: number) => Array.from({ length: count }, () => "a")
  const common = { seen: [], atMillis: now }
  const write = (count: number, levels: number): ReadonlyArray<Operation> => [
    { _tag: "put", path: segments(count), value: nested(levels), ttlMillis: null, ...common },
    { _tag: "putMissing", path: segments(count), value: nested(levels), ...common },
    { _tag: "modify", path: segments(count), change: () => nested(levels), ...common }
  ]

  it.each<readonly [number, number]>([
    [1, 32],
    [2, 31],
    [32, 1]
  ])("is counted with the path: %d segments take a value %d deep", (count, levels) => {
    const fit = write(count, levels).map((operation) => apply(blank, operation))
    const tooDeep = write(count, levels + 1).map((operation) => apply(blank, operation))

    expect(fit.map(isFault)).toEqual([false, false, false])
    expect(tooDeep).toMatchObject([{ kind: "encode" }, { kind: "encode" }, { kind: "encode" }])
  })

  it("is counted with the list a value is pushed to", () => {
    const push = (levels: number) =>
      apply(blank, { _tag: "modify", path: ["a"], change: pushing(nested(levels)), ...common })

    expect([isFault(push(31)), isFault(push(32))]).toEqual([false, true])
  })
})

describe("expiry", () => {
  const expired: State = { ...blank, data: { a: 5 }, ttl: { a: now } }

  it("lets an increment start from 0, without the old TTL", () => {
    const { state } = request(expired, [{ kind: "add", name: "a", by: 2 }])

    expect(state).toEqual({ ...expired, data: { a: 2 }, ttl: {} })
  })

  it("is kept by an increment while it is in the future", () => {
    const live: State = { ...expired, ttl: { a: now + 1 } }

    const { state } = request(live, [{ kind: "add", name: "a", by: 2 }])

    expect(state).toMatchObject({ data: { a: 7 }, ttl: { a: now + 1 } })
  })

  it.each([now - 1, now])("that is over already removes the key: %d", (ttlMillis) => {
    const live: State = { ...expired, ttl: { a: now + 1 } }
    const past: Operation = {
      _tag: "put",
      path: ["a"],
      value: 1,
      ttlMillis,
      seen: [],
      atMillis: now
    }

    expect(apply(live, past)).toEqual(blank)
  })

  it("of a key is kept by a put inside of it, and starts anew with the key", () => {
    const inside: Operation = {
      _tag: "put",
      path: ["a", "x"],
      value: 1,
      ttlMillis: null,
      seen: [],
      atMillis: now
    }
    const live: State = { ...expired, ttl: { a: now + 1 } }

    expect(apply(live, inside)).toEqual({ ...live, data: { a: { x: 1 } } })
    expect(apply(expired, inside)).toEqual({ ...blank, data: { a: { x: 1 } } })
  })

  it("is none when it never comes", () => {
    const forever: Operation = {
      _tag: "put",
      path: ["a"],
      value: 1,
      ttlMillis: Number.POSITIVE_INFINITY,
      seen: [],
      atMillis: now
    }

    expect(apply({ ...expired, ttl: { a: now + 1 } }, forever)).toEqual({
      ...expired,
      data: { a: 1 },
      ttl: {}
    })
  })

  it("is cleared when a null is remembered anew, which is a put", () => {
    const live: State = { ...expired, data: { a: null }, ttl: { a: now + 1 } }

    const { state } = request(live, [{ kind: "missing", name: "a", value: 1 }])

    expect(state).toEqual({ ...live, data: { a: 1 }, ttl: {} })
  })

  it("is cleared by a plain put", () => {
    const live: State = { ...expired, ttl: { a: now + 1 } }

    expect(request(live, [{ kind: "put", name: "a", value: 1 }]).state.ttl).toEqual({})
  })
})

describe("login", () => {
  const login: Operation = { _tag: "login", userId: "ann", csrfSecret: "new", atMillis: now + 5 }
  const holding: State = {
    ...blank,
    data: { cart: 1 },
    flash: { a: { id: "1", value: 1 } },
    previousUrl: "/p"
  }

  it("keeps a guest's data", () => {
    expect(apply(holding, login)).toEqual({
      ...holding,
      userId: "ann",
      csrfSecret: "new",
      authenticatedAtMillis: now + 5,
      absoluteFromMillis: now + 5
    })
  })

  it("clears another user's data", () => {
    const ofBob: State = {
      ...holding,
      userId: "bob",
      lifetime: 5,
      now: { b: { id: "2", value: 2 } }
    }

    expect(apply(ofBob, login)).toEqual({
      ...initial("new", now + 5),
      userId: "ann",
      authenticatedAtMillis: now + 5
    })
  })

  it("starts the configured lifetime afresh", () => {
    expect(apply({ ...holding, lifetime: "browser" }, login)).toMatchObject({ lifetime: null })
  })

  it("keeps the same user's data", () => {
    expect(apply({ ...holding, userId: "ann" }, login)).toMatchObject({ data: { cart: 1 } })
  })
})

describe("a lifetime", () => {
  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("of %d is refused", (lifetime) => {
    expect(apply(blank, { _tag: "lifetime", lifetime })).toMatchObject({ kind: "encode" })
  })

  it.each(["browser" as const, 1, null])("of %j is taken", (lifetime) => {
    expect(apply(blank, { _tag: "lifetime", lifetime })).toEqual({ ...blank, lifetime })
  })
})

describe("clearing the data", () => {
  it("takes the TTLs along and leaves flash", () => {
    const flash = { a: { id: "1", value: 1 } }
    const full: State = { ...blank, data: { a: 1 }, ttl: { a: now + 1 }, flash }

    expect(apply(full, { _tag: "clearData" })).toEqual({ ...blank, flash })
  })
})

describe("flush", () => {
  it("clears all that belongs to the visitor, and leaves how long the session lives", () => {
    const full: State = {
      data: { a: 1 },
      flash: { a: { id: "1", value: 1 } },
      now: { b: { id: "2", value: 1 } },
      ttl: { a: now + 1 },
      csrfSecret: "old",
      previousUrl: "/p",
      userId: "ann",
      lifetime: 5,
      authenticatedAtMillis: now,
      absoluteFromMillis: now - 1,
      lock: null
    }

    expect(apply(full, { _tag: "flush", csrfSecret: "new" })).toEqual({
      ...initial("new", now - 1),
      lifetime: 5
    })
  })
})

describe("adding", () => {
  it.each([Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY, Number.NaN])(
    "refuses a sum that is not a safe finite number: 1 + %d",
    (by) => {
      expect(adding(by)(1)).toBeInstanceOf(Fault)
    }
  )
})
