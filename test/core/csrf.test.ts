import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { makeSecret, mask, verify } from "../../src/core/csrf.js"

describe("mask", () => {
  it("gives 100 different texts for one secret, all of them valid (R31)", () => {
    const secret = makeSecret()
    const masks = Array.from({ length: 100 }, () => mask(secret))

    expect(new Set(masks).size).toBe(100)
    expect(masks.filter((text) => !verify(secret, text))).toEqual([])
  })

  it("gives 86 characters that need no escaping in a page or a header", () => {
    expect(mask(makeSecret())).toMatch(/^[A-Za-z0-9_-]{86}$/)
  })

  it("never shows the secret itself", () => {
    const secret = makeSecret()

    expect(mask(secret)).not.toContain(secret)
  })

  it("masks what is no secret into what never verifies", () => {
    fc.assert(fc.property(fc.fullUnicodeString(), (text) => !verify(text, mask(text))))
  })
})

describe("verify", () => {
  const secret = makeSecret()

  it("refuses the token of another session or of before the login (R30)", () => {
    expect(verify(secret, mask(makeSecret()))).toBe(false)
  })

  it("refuses the secret itself, unmasked", () => {
    expect(verify(secret, secret)).toBe(false)
  })

  it("refuses an empty, cut, lengthened, padded or very long token (A45)", () => {
    const token = mask(secret)
    const bad = ["", token.slice(1), `${token}A`, `${token}==`, ` ${token}`, "A".repeat(1 << 20)]

    expect(bad.filter((text) => verify(secret, text))).toEqual([])
  })

  it("refuses characters outside base64url (A45)", () => {
    const token = mask(secret)
    const bad = ["+", "/", "=", " ", "\0", "é"].map((odd) => odd + token.slice(1))

    expect(bad.filter((text) => verify(secret, text))).toEqual([])
  })

  it("refuses every token with one bit changed (A45)", () => {
    const bytes = Buffer.from(mask(secret), "base64url")
    const accepted: Array<number> = []

    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      if (verify(secret, changed.toString("base64url"))) accepted.push(bit)
    }

    expect(accepted).toEqual([])
  })

  it("refuses a second spelling of a valid token", () => {
    const token = mask(secret)
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    const respelt = token.slice(0, 85) + alphabet.charAt(alphabet.indexOf(token.slice(85)) + 1)

    expect(Buffer.from(respelt, "base64url")).toEqual(Buffer.from(token, "base64url"))
    expect(verify(secret, respelt)).toBe(false)
  })

  it("refuses everything when the secret is none", () => {
    const token = mask(secret)

    expect(["", "short", `${secret}A`].filter((text) => verify(text, token))).toEqual([])
  })

  it("refuses what is not text at run time", () => {
    // A header or a form can hold a list where the types promise a text.
    const bad = [[mask(secret)], { length: 86 }, null, undefined, 86] as unknown as Array<string>

    expect(bad.filter((value) => verify(secret, value))).toEqual([])
  })

  it("refuses arbitrary text without throwing", () => {
    fc.assert(fc.property(fc.fullUnicodeString(), (text) => !verify(secret, text)))
  })

  it("accepts each mask of each secret", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const any = Buffer.from(bytes).toString("base64url")
        return verify(any, mask(any))
      })
    )
  })
})
