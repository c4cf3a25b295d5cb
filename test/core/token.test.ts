import { createHash } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  derivedId,
  fillRandom,
  isBase64Url,
  isId,
  isToken,
  makeEntryId,
  makeToken,
  tokenId
} from "../../src/core/record/token.js"

const ZEROS = "A".repeat(43)
const ONES = `${"_".repeat(42)}8`

describe("makeToken", () => {
  it("never repeats in 100,000 tokens, each 43 characters of base64url (R01)", () => {
    const tokens = Array.from({ length: 100_000 }, makeToken)

    expect(new Set(tokens).size).toBe(100_000)
    expect(tokens.filter((token) => !/^[A-Za-z0-9_-]{43}$/.test(token))).toEqual([])
  })

  it("sets each of the 256 bits about half of the time (R01)", () => {
    const count = 20_000
    const set = new Array<number>(256).fill(0)

    for (let made = 0; made < count; made++) {
      const bytes = Buffer.from(makeToken(), "base64url")
      for (let bit = 0; bit < 256; bit++) {
        set[bit] = (set[bit] ?? 0) + (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1)
      }
    }

    // Seven standard deviations: by chance one run in a thousand million.
    const allowed = (7 * Math.sqrt(count)) / 2
    expect(set.filter((ones) => Math.abs(ones - count / 2) > allowed)).toEqual([])
  })

  it("only makes texts that isToken accepts", () => {
    const refused = Array.from({ length: 5_000 }, makeToken).filter((token) => !isToken(token))

    expect(refused).toEqual([])
  })
})

describe("makeEntryId", () => {
  it("gives 12 characters of base64url that do not repeat", () => {
    const ids = Array.from({ length: 100_000 }, makeEntryId)

    expect(new Set(ids).size).toBe(100_000)
    expect(ids.filter((id) => !/^[A-Za-z0-9_-]{12}$/.test(id))).toEqual([])
  })
})

describe("fillRandom", () => {
  it("never hands out the same bytes twice, whatever sizes are asked for", () => {
    const seen = new Set<string>()
    const sizes = [12, 32, 9, 64, 4096]
    for (let round = 0; round < 2_000; round++) {
      const target = new Uint8Array(sizes[round % sizes.length] ?? 32)

      fillRandom(target)

      seen.add(Buffer.from(target).toString("hex"))
    }

    expect(seen.size).toBe(2_000)
  })
})

describe("isToken", () => {
  it("accepts the lowest and the highest value", () => {
    expect([ZEROS, ONES].map(isToken)).toEqual([true, true])
  })

  it("refuses 42 and 44 characters, and none (A1, A2)", () => {
    expect([ZEROS.slice(1), `${ZEROS}A`, ""].map(isToken)).toEqual([false, false, false])
  })

  it("refuses characters of plain base64, padding and blanks (A3)", () => {
    const texts = ["+", "/", "=", " ", "\0", "%", "é", "А"].map((odd) => odd + ZEROS.slice(1))

    expect(texts.filter(isToken)).toEqual([])
  })

  it("refuses a token whose last character has bits that carry nothing (A13)", () => {
    const token = makeToken()
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    const last = alphabet.indexOf(token.slice(-1))
    const sameBytes = [1, 2, 3].map((spare) => token.slice(0, 42) + alphabet.charAt(last + spare))

    expect(sameBytes.map((text) => Buffer.from(text, "base64url"))).toEqual(
      sameBytes.map(() => Buffer.from(token, "base64url"))
    )
    expect(sameBytes.filter(isToken)).toEqual([])
  })

  it("agrees with decoding and encoding again on any text of 43 characters", () => {
    const near = fc
      .tuple(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.nat(42), fc.fullUnicode())
      .map(([bytes, at, odd]) => {
        const token = Buffer.from(bytes).toString("base64url")
        return token.slice(0, at) + odd + token.slice(at + 1)
      })

    fc.assert(
      fc.property(near, (text) => {
        const bytes = Buffer.from(text, "base64url")
        expect(isToken(text)).toBe(bytes.length === 32 && bytes.toString("base64url") === text)
      }),
      { numRuns: 500 }
    )
  })

  it("refuses arbitrary text without throwing", () => {
    fc.assert(fc.property(fc.fullUnicodeString(), (text) => !isToken(text)))
  })
})

describe("isBase64Url", () => {
  it("accepts the encoding of any bytes for their length and no other", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), (bytes) => {
        const text = Buffer.from(bytes).toString("base64url")

        expect(isBase64Url(text, bytes.length)).toBe(true)
        expect(isBase64Url(text, bytes.length + 1)).toBe(false)
      })
    )
  })
})

describe("tokenId", () => {
  it("is the first 160 bits of the hash of prefix, namespace, NUL and the token's bytes", () => {
    const token = makeToken()
    const hash = createHash("sha256")
      .update("sess:v1:session\0")
      .update(Buffer.from(token, "base64url"))
      .digest("hex")

    expect(tokenId(token, "session")).toBe(hash.slice(0, 40))
  })

  it("does not change from one release to the next", () => {
    expect(tokenId(ZEROS, "session")).toBe("14ebde99be7a28353ae607cd216727e4ad5daba3")
  })

  it("gives the same token another id in another namespace (A26)", () => {
    const token = makeToken()
    const first = tokenId(token, "user")

    expect(tokenId(token, "admin")).not.toBe(first)
    expect(tokenId(token, "user")).toBe(first)
  })

  it("still gives the right id after more namespaces than are remembered", () => {
    const token = makeToken()
    const ids = Array.from({ length: 200 }, (_, index) => tokenId(token, `n${index}`))

    expect(new Set(ids).size).toBe(200)
    expect(tokenId(token, "n0")).toBe(ids[0])
  })

  it("gives an id that is no token (A12)", () => {
    const id = tokenId(makeToken(), "session")

    expect([isId(id), isToken(id)]).toEqual([true, false])
  })

  it("gives a text of the same bytes that is not canonical another id (A13)", () => {
    expect(tokenId(`${"A".repeat(42)}B`, "session")).not.toBe(tokenId(ZEROS, "session"))
  })

  it("gives an id for any text and namespace", () => {
    fc.assert(
      fc.property(fc.fullUnicodeString(), fc.fullUnicodeString(), (text, namespace) =>
        isId(tokenId(text, namespace))
      )
    )
  })
})

describe("isId", () => {
  it("accepts 40 lower-case hex characters alone", () => {
    const id = "0123456789abcdef0123456789abcdef01234567"
    const others = [id.toUpperCase(), id.slice(1), `${id}0`, `g${id.slice(1)}`, `${id.slice(1)}\n`]

    expect([id, ...others].map(isId)).toEqual([true, false, false, false, false, false])
  })

  it("refuses arbitrary text without throwing", () => {
    fc.assert(fc.property(fc.fullUnicodeString(), (text) => !isId(text)))
  })
})

describe("derivedId", () => {
  it("tells lists apart that join to the same text", () => {
    const lists: ReadonlyArray<readonly [string, ...Array<string>]> = [
      ["a", "bc"],
      ["ab", "c"],
      ["abc"],
      ["a", "b", "c"],
      ["a", "bc", ""],
      ["1:a2:bc"]
    ]

    expect(new Set(lists.map((list) => derivedId(...list))).size).toBe(lists.length)
  })

  it("gives equal ids for equal lists alone", () => {
    const list = fc.array(fc.string16bits({ maxLength: 3 }), { maxLength: 3 })
    fc.assert(
      fc.property(list, list, (left, right) => {
        const isSame = JSON.stringify(left) === JSON.stringify(right)
        expect(derivedId("p", ...left) === derivedId("p", ...right)).toBe(isSame)
      })
    )
  })

  it("has the form of an id", () => {
    expect(isId(derivedId("revoked", "session", "ü"))).toBe(true)
  })
})
