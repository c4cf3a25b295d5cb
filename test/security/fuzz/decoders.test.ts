/** What reads text from a store, against slow readers that are written another way: no throw, no half session. */
import { createHash, randomBytes } from "node:crypto"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import {
  makeKeyring,
  openPayload,
  openToken,
  sealPayload,
  sealToken
} from "../../../src/core/record/encryption.js"
import { decode, encode } from "../../../src/core/record/payload.js"
import type { SessionRecord } from "../../../src/core/record/record.js"
import { makeCommitId, makeToken, tokenId } from "../../../src/core/record/token.js"
import { initial, type State } from "../../../src/core/session/state.js"
import {
  decode as decodeFile,
  encodeMove,
  encodeSession
} from "../../../src/internal/file/codec.js"
import { fuzz, mutated, type Random, seed } from "./random.js"

console.info(`EFFECT_SESSION_FUZZ_SEED=${seed}`)

const holds = (truth: boolean, input: unknown): void => {
  if (!truth) expect.fail(`Not so for ${JSON.stringify(input)}`)
}

const state: State = {
  ...initial(makeToken(), 5),
  data: { a: 1, cart: { items: [{ id: "x", n: 2.5 }], note: null }, name: "Ünï ✓" },
  flash: { notice: { id: "f1", value: "saved" } },
  ttl: { a: 60_000 },
  userId: "ann",
  previousUrl: "/a?b=c",
  lifetime: 30,
  authenticatedAtMillis: 5
}

const payload = encode(
  {
    state,
    commits: makeCommitId(4, "0writer"),
    origin: { ipAddress: "192.0.2.1", userAgent: "Browser/1.0" }
  },
  0
)

const pieces = [
  "null",
  "0",
  "-1",
  "1e999",
  '""',
  "[]",
  "{}",
  "[[1,2]]",
  '[["x",1]]',
  '["x",1]',
  '{"__proto__":1}',
  '{"a":{"id":"x","value":1}}',
  '"browser"',
  "true",
  ",",
  '"',
  "{",
  "}",
  "[".repeat(40) + "]".repeat(40)
]

const fields = ["v", "d", "f", "t", "c", "p", "u", "l", "a", "s", "b", "o", "k"]

/** A payload with a field of another value, or with characters changed. */
const aPayload = (random: Random): string => {
  const start = random.below(3) === 0 ? mutated(random, payload, pieces) : payload
  if (random.below(2) === 0) return start
  const field = random.pick(fields)
  return `${start.slice(0, -1)},"${field}":${random.pick(pieces)}}`
}

type Shape = Readonly<Record<string, unknown>>

const isShape = (value: unknown): value is Shape =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const depthOf = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? 1 + Math.max(0, ...Object.values(value).map(depthOf))
    : 0

/** True for a payload, decided by one rule after the other. */
const slowIsPayload = (text: string): boolean => {
  let clean = true
  let value: unknown
  try {
    value = JSON.parse(text, (key, inner: unknown) => {
      if (key === "__proto__" || inner === Number.POSITIVE_INFINITY) clean = false
      return inner
    })
  } catch {
    return false
  }
  if (!clean || !isShape(value) || depthOf(value) > 35) return false
  const { a, b = [], c, d, f = {}, k, l, o = "", p, s, t = {}, u, v } = value
  const absentOr = (type: string, given: unknown) => given === undefined || typeof given === type
  return (
    v === 1 &&
    isShape(d) &&
    isShape(f) &&
    Object.values(f).every(
      (entry) => isShape(entry) && typeof entry.id === "string" && "value" in entry
    ) &&
    isShape(t) &&
    Object.values(t).every((instant) => typeof instant === "number") &&
    typeof o === "string" &&
    o.length % 16 === 0 &&
    // What stands at the end without an escape is written back as it stands.
    (/^[A-Za-z0-9_-]*$/.test(o) || text.endsWith(`,"o":"${o}"}`)) &&
    (k === undefined ||
      (Array.isArray(k) && typeof k[0] === "string" && typeof k[1] === "number")) &&
    Array.isArray(b) &&
    [b[0] ?? null, b[1] ?? null].every((text) => text === null || typeof text === "string") &&
    typeof c === "string" &&
    typeof s === "number" &&
    absentOr("string", p) &&
    absentOr("string", u) &&
    absentOr("number", a) &&
    (l === undefined || l === "browser" || (typeof l === "number" && l > 0))
  )
}

describe("fuzzed", () => {
  it("R38 A35 A56 the envelope takes what a slow reader takes, and gives it back as it was", () => {
    fuzz("envelope", 100_000, (random) => {
      const text = aPayload(random)
      const found = decode(text)
      holds((found !== undefined) === slowIsPayload(text), text)
      if (found === undefined) return

      const again = encode(found, Number.NEGATIVE_INFINITY)
      const back = decode(again)
      holds(back !== undefined && encode(back, Number.NEGATIVE_INFINITY) === again, text)
      holds(Reflect.get({}, "a") === undefined, text)
    })
  })

  const keys = ["k1", "k2"].map((id) => ({ id, key: randomBytes(32) }))
  const ring = makeKeyring(keys, "session")
  const [token, other] = [makeToken(), makeToken()]
  const id = tokenId(token, "session")
  const sealedPieces = ["s1", ".", "k1", "k2", "k3", "A", "_", "-", "=", "+", "é"]

  const slowUnknownKey = (text: string): boolean => {
    const parts = /^s1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]*)$/.exec(text)
    if (parts === null || keys.some((key) => key.id === parts[1])) return false
    return Buffer.from(parts[2] ?? "", "base64url").toString("base64url") === parts[2]
  }

  it("R35 R36 A29 A30 A31 A32 a sealed payload opens whole and in its row, or not at all", () => {
    const sealed = Array.from({ length: 20 }, (_, size) => {
      const text = payload.slice(0, size * 8)
      return { text, whole: sealPayload(ring, text, id, "session") }
    })
    fuzz("sealed", 100_000, (random) => {
      const one = random.pick(sealed)
      const isWhole = random.below(10) === 0
      const given = isWhole ? one.whole : mutated(random, one.whole, sealedPieces)
      const inRow = random.below(4) !== 0
      const opening = openPayload(ring, given, inRow ? id : tokenId(other, "session"), "session")

      const opens = inRow && sealed.some(({ whole }) => whole === given)
      holds((opening._tag === "open") === opens, [one.whole, given, inRow])
      if (opening._tag === "open" && given === one.whole) holds(opening.text === one.text, given)
      holds((opening._tag === "unknownKey") === slowUnknownKey(given), given)
    })
  })

  it("the sealed token of an alias opens for the bearer of the old one, whole and in its row, or not at all", () => {
    const whole = sealToken(token, other, id)
    fuzz("alias", 20_000, (random) => {
      const given = random.below(10) === 0 ? whole : mutated(random, whole, sealedPieces)
      const bearer = random.pick([token, other, "", "é"])

      const expected = given === whole && bearer === token ? other : undefined
      holds(openToken(bearer, given, id) === expected, [bearer, given])
    })
  })

  const record: SessionRecord = {
    id,
    namespace: "session",
    userId: "ann",
    ipAddress: "10.0.0.1",
    userAgent: "agent",
    createdAtMillis: 1,
    lastActivityMillis: 2,
    expiresAtMillis: 3,
    endedAtMillis: null,
    version: 4,
    previous: { id: tokenId(other, "session"), kind: "alias", untilMillis: 5, sealedToken: "x" },
    payload
  }

  it("A59 the bytes of a session's file are read whole or not at all", () => {
    const files = [encodeSession(record, null), encodeMove(id, tokenId(other, "session"))]
    fuzz("file", 60_000, (random) => {
      const whole = random.pick(files)
      const bytes = Buffer.from(whole)
      for (let times = random.below(3); times > 0; times--) {
        const at = random.below(bytes.length)
        bytes[at] = random.below(256)
      }
      const cut = bytes.subarray(0, random.below(3) === 0 ? random.below(bytes.length) : undefined)
      const isWhole = cut.equals(whole)
      holds((decodeFile(cut, id) !== undefined) === isWhole, cut.toString("latin1"))
      holds(decodeFile(cut, tokenId(other, "session")) === undefined, cut.toString("latin1"))
    })
  })

  const textOrNull = Schema.NullOr(Schema.String)
  const isSessionHeader = Schema.is(
    Schema.Struct({
      format: Schema.Literal("effect-session/1"),
      id: Schema.Literal(id),
      namespace: Schema.String,
      userId: textOrNull,
      ipAddress: textOrNull,
      userAgent: textOrNull,
      createdAtMillis: Schema.Number,
      lastActivityMillis: Schema.Number,
      expiresAtMillis: Schema.Number,
      endedAtMillis: Schema.NullOr(Schema.Number),
      version: Schema.Number,
      from: textOrNull,
      previous: Schema.NullOr(
        Schema.Struct({
          id: Schema.String,
          kind: Schema.Literal("quarantine", "alias"),
          untilMillis: Schema.Number,
          sealedToken: textOrNull
        })
      )
    })
  )
  const isMoveHeader = Schema.is(
    Schema.Struct({
      format: Schema.Literal("effect-session/1"),
      id: Schema.Literal(id),
      to: Schema.String
    })
  )

  const headerOf = (text: string): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      return undefined
    }
  }

  it("A59 a file of another shape is refused, though its checksum is right", () => {
    const whole = encodeSession(record, null).toString("utf8", 65)
    const end = whole.indexOf("\n")
    fuzz("header", 60_000, (random) => {
      const header =
        random.below(2) === 0
          ? mutated(random, whole.slice(0, end), pieces).replaceAll("\n", " ")
          : `${whole.slice(0, end - 1)},"${random.pick([...Object.keys(record), "to", "from", "format"])}":${random.pick(pieces)}}`
      const rest = Buffer.from(`${header}\n${payload}`)
      const sum = createHash("sha256").update(rest).digest("hex")
      const found = decodeFile(Buffer.concat([Buffer.from(`${sum} `), rest]), id)

      const value = headerOf(rest.toString("utf8", 0, rest.indexOf("\n")))
      holds((found !== undefined) === (isMoveHeader(value) || isSessionHeader(value)), header)
    })
  })
})
