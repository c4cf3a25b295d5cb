import { createCipheriv, randomBytes } from "node:crypto"
import { inspect } from "node:util"
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  isSealed,
  type KeyEntry,
  keysProblem,
  makeKeyring,
  openPayload,
  openToken,
  sealPayload,
  sealToken
} from "../../src/core/record/encryption.js"
import { makeToken, tokenId } from "../../src/core/record/token.js"

const aKey = (id: string): KeyEntry => ({ id, key: randomBytes(32) })
const anId = (): string => tokenId(makeToken(), "session")

const first = aKey("k1")
const second = aKey("k2")
const ring = makeKeyring([first], "session")
const id = anId()
const PLAIN = '{"data":{"name":"Zoë 😀"}}'
const CORRUPT = { _tag: "corrupt" }

const open = (sealed: string) => openPayload(ring, sealed, id, "session")
const bytesOf = (sealed: string) =>
  Buffer.from(sealed.slice(sealed.lastIndexOf(".") + 1), "base64url")
const withBytes = (bytes: Uint8Array) => `s1.k1.${Buffer.from(bytes).toString("base64url")}`

/** `bytes` with one bit changed, once for each byte. */
const flipped = (bytes: Buffer): ReadonlyArray<Buffer> =>
  Array.from(bytes, (byte, index) => {
    const copy = Buffer.from(bytes)
    copy[index] = byte ^ (1 << (index % 8))
    return copy
  })

describe("sealPayload and openPayload", () => {
  it("give back any text of any length", () => {
    fc.assert(
      fc.property(fc.fullUnicodeString({ maxLength: 300 }), (text) => {
        expect(open(sealPayload(ring, text, id, "session"))).toEqual({ _tag: "open", text })
      })
    )
  })

  it("give back 64 KiB", () => {
    const text = "x".repeat(64 * 1024)

    expect(open(sealPayload(ring, text, id, "session"))).toEqual({ _tag: "open", text })
  })

  it("seal the same text differently each time", () => {
    const sealed = Array.from({ length: 100 }, () => sealPayload(ring, PLAIN, id, "session"))

    expect(new Set(sealed).size).toBe(100)
  })

  it("leave nothing of the text readable", () => {
    const sealed = sealPayload(ring, PLAIN, id, "session")

    expect(bytesOf(sealed).includes("data")).toBe(false)
  })

  it("refuse a text with any bit changed, byte by byte (A29)", () => {
    const sealed = bytesOf(sealPayload(ring, PLAIN, id, "session"))

    const readings = flipped(sealed).map((bytes) => open(withBytes(bytes))._tag)

    expect(readings.length).toBeGreaterThan(28)
    expect(new Set(readings)).toEqual(new Set(["corrupt"]))
  })

  it("refuse a text with any character changed (A29)", () => {
    const sealed = sealPayload(ring, PLAIN, id, "session")
    const changed = Array.from(sealed, (letter, at) => {
      const other = letter === "A" ? "B" : "A"
      return sealed.slice(0, at) + other + sealed.slice(at + 1)
    })

    expect(changed.filter((text) => open(text)._tag === "open")).toEqual([])
  })

  it("refuse every beginning of a text, and a text with more behind it (A29)", () => {
    const sealed = sealPayload(ring, PLAIN, id, "session")
    const cut = Array.from(sealed, (_, length) => sealed.slice(0, length))
    const longer = ["A", "AAAA", "=", " ", "\n", "."].map((more) => sealed + more)

    expect([...cut, ...longer].filter((text) => open(text)._tag !== "corrupt")).toEqual([])
  })

  it("refuse a tag of 4 bytes (A30, F12)", () => {
    const sealed = bytesOf(sealPayload(ring, PLAIN, id, "session"))

    expect(open(withBytes(sealed.subarray(0, sealed.length - 12)))).toEqual(CORRUPT)
  })

  it("refuse less than a nonce and a tag", () => {
    const short = Array.from({ length: 28 }, (_, length) => withBytes(Buffer.alloc(length)))

    expect(short.filter((text) => open(text)._tag !== "corrupt")).toEqual([])
  })

  it("refuse the text of another session (A31, R36)", () => {
    const other = anId()
    const mine = sealPayload(ring, "mine", id, "session")
    const theirs = sealPayload(ring, "theirs", other, "session")

    expect(openPayload(ring, theirs, id, "session")).toEqual(CORRUPT)
    expect(openPayload(ring, mine, other, "session")).toEqual(CORRUPT)
  })

  it("refuse the text of another namespace, by the ring and by the row (R54)", () => {
    const sealed = sealPayload(ring, PLAIN, id, "session")

    expect(openPayload(ring, sealed, id, "admin")).toEqual(CORRUPT)
    expect(openPayload(makeKeyring([first], "admin"), sealed, id, "session")).toEqual(CORRUPT)
  })

  it("refuse a text sealed with another key of the same id", () => {
    const sealed = sealPayload(makeKeyring([aKey("k1")], "session"), PLAIN, id, "session")

    expect(open(sealed)).toEqual(CORRUPT)
  })

  it("refuse a text whose key id was exchanged for another known one (A32)", () => {
    const both = makeKeyring([first, second], "session")
    const sealed = sealPayload(both, PLAIN, id, "session")

    expect(openPayload(both, sealed.replace("k1", "k2"), id, "session")).toEqual(CORRUPT)
  })

  it("refuse a payload in the clear (A33, R35)", () => {
    const plain = [PLAIN, "{}", "null", "", "[]", '"s1."', " s1.k1.AAAA"]

    expect(plain.map(open)).toEqual(plain.map(() => CORRUPT))
  })

  it("refuse another version (A32)", () => {
    const sealed = sealPayload(ring, PLAIN, id, "session")

    expect([sealed.replace("s1", "s2"), sealed.replace("s1", "S1")].map(open)).toEqual([
      CORRUPT,
      CORRUPT
    ])
  })

  it("never throw on arbitrary text", () => {
    const text = fc.oneof(
      fc.string16bits(),
      fc.string16bits().map((tail) => `s1.${tail}`),
      fc.string16bits().map((tail) => `s1.k1.${tail}`),
      fc.uint8Array({ maxLength: 90 }).map(withBytes)
    )
    fc.assert(
      fc.property(text, fc.string16bits(), (sealed, row) => {
        expect(openPayload(ring, sealed, row, "session")._tag).not.toBe("open")
      }),
      { numRuns: 1_000 }
    )
  })
})

describe("key rotation (R37)", () => {
  it("reads what an older key wrote, and writes with the first", () => {
    const sealed = sealPayload(ring, PLAIN, id, "session")
    const rotated = makeKeyring([second, first], "session")

    expect(openPayload(rotated, sealed, id, "session")).toEqual({ _tag: "open", text: PLAIN })
    expect(sealPayload(rotated, PLAIN, id, "session").startsWith("s1.k2.")).toBe(true)
  })

  it("says that the key is unknown once it was removed", () => {
    const sealed = sealPayload(ring, PLAIN, id, "session")
    const without = makeKeyring([second], "session")

    expect(openPayload(without, sealed, id, "session")).toEqual({ _tag: "unknownKey" })
  })
})

describe("isSealed", () => {
  it("is true of sealed payloads and false of JSON", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(isSealed(sealPayload(ring, text, id, "session"))).toBe(true)
        expect(isSealed(text)).toBe(false)
      })
    )
  })
})

describe("makeKeyring", () => {
  const bad: ReadonlyArray<readonly [string, ReadonlyArray<KeyEntry>]> = [
    ["must name at least one key", []],
    ["must give each key an id of its own", [aKey("a"), aKey("a")]],
    ["must have key ids of 1 to 32 letters, digits, hyphens or underscores", [aKey("")]],
    ["must have key ids of 1 to 32 letters, digits, hyphens or underscores", [aKey("a.b")]],
    ["must have key ids of 1 to 32 letters, digits, hyphens or underscores", [aKey("a\n")]],
    [
      "must have key ids of 1 to 32 letters, digits, hyphens or underscores",
      [aKey("a".repeat(33))]
    ],
    ["must have keys of exactly 32 bytes", [aKey("a"), { id: "b", key: randomBytes(31) }]],
    ["must have keys of exactly 32 bytes", [{ id: "b", key: randomBytes(33) }]]
  ]

  it("refuses what keysProblem names (R55)", () => {
    expect(bad.map(([, keys]) => keysProblem(keys))).toEqual(bad.map(([reason]) => reason))
    for (const [, keys] of bad) expect(() => makeKeyring(keys, "session")).toThrow(RangeError)
  })

  it("takes ids of every permitted length", () => {
    expect(keysProblem([aKey("a"), aKey("2026-08_b"), aKey("a".repeat(32))])).toBeUndefined()
  })

  it("shows no key when the ring is printed (R55)", () => {
    const entry: KeyEntry = { id: "a", key: Buffer.from("0123456789abcdef0123456789abcdef") }
    const printed = makeKeyring([entry], "session")

    expect(inspect(printed, { depth: 9, showHidden: true })).not.toContain("0123456789abcdef")
    expect(JSON.stringify([...printed.reading])).toBe('[["a",{"id":"a","root":{}}]]')
  })
})

describe("sealToken and openToken", () => {
  const oldToken = makeToken()
  const newToken = makeToken()
  const newId = tokenId(newToken, "session")

  it("give the new token to the bearer of the old one", () => {
    const sealed = sealToken(oldToken, newToken, newId)

    expect(openToken(oldToken, sealed, newId)).toBe(newToken)
  })

  it("give 80 characters that differ each time and hold no token", () => {
    const sealed = [0, 1].map(() => sealToken(oldToken, newToken, newId))

    expect(sealed[0]).toMatch(/^[A-Za-z0-9_-]{80}$/)
    expect(sealed[0]).not.toBe(sealed[1])
    expect(sealed[0]).not.toContain(newToken)
  })

  it("give nothing for another old token, nor for the old id", () => {
    const sealed = sealToken(oldToken, newToken, newId)
    const others = [makeToken(), newToken, tokenId(oldToken, "session"), "", "junk"]

    expect(others.map((other) => openToken(other, sealed, newId))).toEqual(
      others.map(() => undefined)
    )
  })

  it("give nothing in another row", () => {
    expect(openToken(oldToken, sealToken(oldToken, newToken, newId), anId())).toBeUndefined()
  })

  it("give nothing once any bit was changed", () => {
    const sealed = Buffer.from(sealToken(oldToken, newToken, newId), "base64url")

    const opened = flipped(sealed).map((bytes) =>
      openToken(oldToken, bytes.toString("base64url"), newId)
    )

    expect(opened.filter((token) => token !== undefined)).toEqual([])
  })

  it("give nothing for a cut, lengthened or respelt text", () => {
    const sealed = sealToken(oldToken, newToken, newId)
    const bytes = Buffer.from(sealed, "base64url")
    const bad = [
      "",
      sealed.slice(1),
      `${sealed}A`,
      `${sealed}=`,
      ` ${sealed.slice(1)}`,
      bytes.subarray(0, bytes.length - 12).toString("base64url")
    ]

    expect(bad.map((text) => openToken(oldToken, text, newId))).toEqual(bad.map(() => undefined))
  })

  it("never open what was sealed without tokens", () => {
    const bad: ReadonlyArray<readonly [string, string]> = [
      ["junk", newToken],
      [oldToken, "junk"],
      [oldToken, ""],
      [`${"A".repeat(42)}B`, newToken]
    ]

    expect(bad.map(([old, token]) => openToken(old, sealToken(old, token, newId), newId))).toEqual(
      bad.map(() => undefined)
    )
  })

  it("give nothing for a text of the right length sealed under some other key", () => {
    const cipher = createCipheriv("aes-256-gcm", randomBytes(32), Buffer.alloc(12))
    cipher.setAAD(Buffer.from(newId))
    const body = Buffer.concat([cipher.update(Buffer.from(newToken, "base64url")), cipher.final()])
    const forged = Buffer.concat([Buffer.alloc(12), body, cipher.getAuthTag()])

    expect(openToken(oldToken, forged.toString("base64url"), newId)).toBeUndefined()
  })

  it("never throw on arbitrary text", () => {
    fc.assert(
      fc.property(fc.string16bits(), fc.string16bits(), fc.string16bits(), (old, sealed, row) => {
        expect(openToken(old, sealed, row)).toBeUndefined()
        expect(openToken(oldToken, sealed, row)).toBeUndefined()
        expect(typeof sealToken(old, sealed, row)).toBe("string")
      })
    )
  })
})
