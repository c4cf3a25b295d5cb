import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  complete,
  decode,
  encode,
  encodeState,
  keyCount,
  type Origin,
  remember,
  sameStored
} from "../../src/core/record/payload.js"
import { makeCommitId, makeServerNumber, writerOf } from "../../src/core/record/token.js"
import { isList, isObject, type Json, maxDepth } from "../../src/core/session/json.js"
import { initial, type Lifetime, type State } from "../../src/core/session/state.js"

const now = 1_000_000

const names = fc.string({ minLength: 1, maxLength: 8 }).filter((name) => name !== "__proto__")

const values: fc.Arbitrary<Json> = fc.letrec<{ readonly value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(names, tie("value"), { maxKeys: 3, noNullPrototype: true })
  )
})).value

const recordsOf = <A>(inner: fc.Arbitrary<A>) =>
  fc.dictionary(names, inner, { maxKeys: 4, noNullPrototype: true })

const entries = recordsOf(fc.record({ id: fc.string(), value: values }, { noNullPrototype: true }))

const states: fc.Arbitrary<State> = fc.record({
  data: recordsOf(values),
  flash: entries,
  now: fc.constant({}),
  ttl: recordsOf(fc.integer({ min: now + 1, max: now * 2 })),
  csrfSecret: fc.string(),
  previousUrl: fc.option(fc.webPath()),
  userId: fc.option(fc.string()),
  lifetime: fc.oneof(
    fc.constantFrom<Lifetime>(null, "browser"),
    fc.integer({ min: 1, max: 10_000_000 })
  ),
  authenticatedAtMillis: fc.option(fc.nat()),
  absoluteFromMillis: fc.nat(),
  lock: fc.option(fc.record({ owner: fc.string(), untilMillis: fc.nat() }))
})

const commitIds = fc
  .array(fc.nat(), { maxLength: 5 })
  .map((instants) => instants.map((at) => makeCommitId(at, "0writer")).join(""))

const origins: fc.Arbitrary<Origin | null> = fc.option(
  fc.record({ ipAddress: fc.option(fc.string()), userAgent: fc.option(fc.string()) })
)

const envelopes = fc.record({ state: states, commits: commitIds, origin: origins })

const blank = initial("secret", now)

/** What is stored of a state alone. */
const alone = (state: State) => ({ state, commits: "", origin: null })

describe("encode and decode", () => {
  it("give back any state, its commits and its origin", () => {
    fc.assert(
      fc.property(envelopes, (envelope) => {
        const text = encode(envelope, now)

        expect(decode(text)).toEqual(envelope)
      })
    )
  })

  it("give the same text when encoded again", () => {
    fc.assert(
      fc.property(envelopes, (given) => {
        const text = encode(given, now)

        const envelope = decode(text)

        expect(envelope && encode(envelope, now)).toBe(text)
      })
    )
  })

  it("give a text that is the state's text with the rest added", () => {
    fc.assert(
      fc.property(envelopes, ({ commits, origin, state }) => {
        const text = encodeState(state, now)

        expect(complete(text, "", null)).toBe(text)
        expect(complete(text, commits, origin)).toBe(encode({ state, commits, origin }, now))
        expect(decode(text)).toEqual(alone(state))
      })
    )
  })

  it("spend no text on what a state does not have", () => {
    expect(encode(alone(blank), now)).toBe('{"v":1,"d":{},"c":"secret","s":1000000}')
  })

  it("leave out the flash of one request alone", () => {
    const state: State = { ...blank, now: { notice: { id: "1", value: "hello" } } }

    const text = encode(alone(state), now)

    expect(decode(text)?.state).toEqual(blank)
  })

  it("leave out a key from the very instant of its expiry", () => {
    const state: State = { ...blank, data: { a: 1, b: 2 }, ttl: { a: now, b: now + 1 } }

    const decoded = decode(encode(alone(state), now))

    expect(decoded?.state.data).toEqual({ b: 2 })
    expect(decoded?.state.ttl).toEqual({ b: now + 1 })
  })
})

describe("decode", () => {
  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const decoded = decode(text)

        expect(decoded === undefined || typeof decoded.state.csrfSecret === "string").toBe(true)
      })
    )
  })

  it("takes no truncated payload", () => {
    fc.assert(
      fc.property(states, fc.nat(), (state, cut) => {
        const text = encode(alone(state), now)

        expect(decode(text.slice(0, cut % text.length))).toBeUndefined()
      })
    )
  })

  const sound = { v: 1, d: {}, c: "secret", s: 1 }

  it("takes the smallest sound payload", () => {
    const decoded = decode(JSON.stringify(sound))

    expect(decoded).toEqual(alone(initial("secret", 1)))
  })

  const malformed: ReadonlyArray<readonly [string, unknown]> = [
    ["a list", []],
    ["null", null],
    ["a number", 1],
    ["a text", "text"],
    ["an empty object", {}],
    ["another version", { ...sound, v: 2 }],
    ["a version that is a text", { ...sound, v: "1" }],
    ["data that is a list", { ...sound, d: [] }],
    ["data that is null", { ...sound, d: null }],
    ["no CSRF secret", { ...sound, c: undefined }],
    ["a CSRF secret that is a number", { ...sound, c: 1 }],
    ["no start of the absolute timeout", { ...sound, s: undefined }],
    ["a start that is a text", { ...sound, s: "1" }],
    ["flash that is a list", { ...sound, f: [] }],
    ["a flash entry that is a text", { ...sound, f: { a: "text" } }],
    ["a flash entry without id", { ...sound, f: { a: { value: 1 } } }],
    ["a flash entry without value", { ...sound, f: { a: { id: "1" } } }],
    ["TTLs that are null", { ...sound, t: null }],
    ["a TTL that is a text", { ...sound, t: { a: "1" } }],
    ["a previous URL that is a number", { ...sound, p: 1 }],
    ["a user that is a number", { ...sound, u: 1 }],
    ["a user that is null", { ...sound, u: null }],
    ["a lifetime of zero", { ...sound, l: 0 }],
    ["a lifetime that is another word", { ...sound, l: "forever" }],
    ["a login instant that is a text", { ...sound, a: "1" }],
    ["commits that are an object", { ...sound, o: {} }],
    ["commits that are a list", { ...sound, o: [makeCommitId(now, "0writer")] }],
    ["a commit that was cut short", { ...sound, o: makeCommitId(now, "0writer").slice(1) }],
    ["a commit with a quote", { ...sound, o: '"'.repeat(16) }],
    ["a lock that is a text", { ...sound, k: "owner" }],
    ["a lock without an end", { ...sound, k: ["owner"] }],
    ["a lock whose owner is a number", { ...sound, k: [1, 1] }]
  ]

  it.each(malformed)("refuses %s", (_, payload) => {
    expect(decode(JSON.stringify(payload))).toBeUndefined()
  })

  it("refuses text that is not JSON", () => {
    expect(["", "{", "undefined", "\u0000"].map(decode)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined
    ])
  })

  const whole = {
    ...sound,
    d: { a: { b: [1, { c: "x" }] } },
    f: { notice: { id: "1", value: { text: ["x"] } } },
    t: { a: 5 },
    p: "/",
    u: "ann",
    l: 9,
    a: 7,
    b: ["192.0.2.1", null],
    o: makeCommitId(3, "0writer"),
    k: ["owner", 5]
  }

  /** Every way to change one value in a JSON value, by `change`, which gives the text that takes its place. */
  const variants = (value: Json, change: (value: Json) => string | undefined): Array<string> => {
    const here = change(value)
    const changed = here === undefined ? [] : [here]
    if (isList(value)) {
      const inner = value.flatMap((item, at) =>
        variants(item, change).map(
          (text) => `[${value.map((each, i) => (i === at ? text : JSON.stringify(each)))}]`
        )
      )
      return [...changed, ...inner]
    }
    if (!isObject(value)) return changed
    const entries = Object.entries(value)
    const inner = entries.flatMap(([key, item]) =>
      variants(item, change).map((text) => {
        const fields = entries.map(
          ([name, each]) => `${JSON.stringify(name)}:${name === key ? text : JSON.stringify(each)}`
        )
        return `{${fields}}`
      })
    )
    return [...changed, ...inner]
  }

  it("takes the payload the hostile ones are made of", () => {
    expect(decode(JSON.stringify(whole))).toBeDefined()
  })

  it.each(["__proto__", "\\u005f_proto__", "\\u005F\\u005fproto\\u005f_"])(
    "refuses a key %s in whichever object it stands (A35)",
    (key) => {
      const hostile = variants(whole, (value) =>
        isObject(value) ? `{"${key}":{"polluted":1},${JSON.stringify(value).slice(1)}` : undefined
      ).map((text) => text.replace(",}", "}"))

      expect(hostile.length).toBeGreaterThan(7)
      expect(hostile.map(decode)).toEqual(hostile.map(() => undefined))
      expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false)
    }
  )

  it("refuses a number that is infinite once it is read, wherever it stands", () => {
    const hostile = variants(whole, (value) => (typeof value === "number" ? "1e999" : undefined))

    expect(hostile).toHaveLength(7)
    expect(hostile.map(decode)).toEqual(hostile.map(() => undefined))
  })

  it.each(["[", '{"a":'])("refuses a value 100,000 times %s deep, wherever it stands", (open) => {
    const close = open === "[" ? "]" : "}"
    const deep = `${open.repeat(100_000)}1${close.repeat(100_000)}`
    const hostile = variants(whole, () => deep)

    expect(hostile.length).toBeGreaterThan(15)
    expect(hostile.map(decode)).toEqual(hostile.map(() => undefined))
  })

  it("takes every value an operation takes, in data and in flash, however deep", () => {
    let deepest: Json = 1
    for (let level = 0; level < maxDepth; level++) deepest = [deepest]
    const state: State = {
      ...blank,
      data: { a: deepest },
      flash: { b: { id: "1", value: deepest } }
    }

    expect(decode(encode(alone(state), now))?.state).toEqual(state)
  })

  it("gives either nothing or a state that can be stored again, whatever is changed", () => {
    const odd = ["null", "0", "-1", '""', "[]", "{}", "true", "1e999", '{"__proto__":1}', "[[]]"]
    const texts = odd.flatMap((text) => variants(whole, () => text))

    for (const text of texts) {
      const envelope = decode(text)
      if (envelope === undefined) continue
      // Before every TTL of these payloads.
      const again = encode(envelope, -2)

      expect(decode(again)).toEqual(envelope)
    }
  })

  it("takes the last of two fields with one name, as JSON does", () => {
    const text = JSON.stringify(sound)

    const decoded = decode(`${text.slice(0, -1)},"u":"ann","u":"bob"}`)

    expect(decoded?.state.userId).toBe("bob")
  })
})

describe("remember", () => {
  const number = makeServerNumber()

  /** The id of a commit by another writer for each index. */
  const commitBy = (index: number, atMillis = now) =>
    makeCommitId(atMillis, writerOf(number, index.toString(16).padStart(8, "0")))

  const many = (count: number) => Array.from({ length: count }, (_, index) => commitBy(index))

  const rememberAll = (ids: ReadonlyArray<string>) =>
    ids.reduce((kept, id) => remember(kept, id, now), "")

  it("keeps the last commit of each writer, the oldest first", () => {
    const [ofA, ofB, newerOfA] = [commitBy(1), commitBy(2), commitBy(1)]

    expect(rememberAll([ofA, ofB, newerOfA])).toBe(ofB + newerOfA)
  })

  it("tells the commits of a writer apart, also those of one millisecond", () => {
    expect(new Set(Array.from({ length: 32 }, () => commitBy(1))).size).toBe(32)
  })

  it("keeps a commit of the last ten seconds, and forgets others, also those to come", () => {
    const recent = [commitBy(1, now - 9999), commitBy(2, now + 9999)].join("")
    const far = [commitBy(3, now - 10_000), commitBy(4, now + 10_000)].join("")
    const id = commitBy(5)

    expect(remember(far + recent, id, now)).toBe(recent + id)
  })

  it("keeps the commits of the newest 64 writers", () => {
    const ids = many(100)

    expect(rememberAll(ids)).toBe(ids.slice(-64).join(""))
  })
})

describe("keyCount", () => {
  it("counts data and flash, and no key that has expired", () => {
    const state: State = {
      ...blank,
      data: { a: 1, b: 2, c: 3 },
      ttl: { a: now, b: now + 1 },
      flash: { a: { id: "1", value: 1 } },
      now: { d: { id: "2", value: 1 } }
    }

    expect([keyCount(state, now - 1), keyCount(state, now)]).toEqual([4, 3])
  })
})

describe("sameStored", () => {
  it("is true for states that differ only in what is not stored", () => {
    const other: State = { ...blank, now: { a: { id: "1", value: 1 } } }

    expect(sameStored(blank, other, now)).toBe(true)
  })

  it("is false for states that differ in data", () => {
    expect(sameStored(blank, { ...blank, data: { a: 1 } }, now)).toBe(false)
  })
})
