import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  isSafeMethod,
  makeSecret,
  mask,
  parseOrigin,
  rawPath,
  siteProblem,
  verify
} from "../../src/core/http/csrf.js"

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

describe("isSafeMethod", () => {
  it("is true for exactly GET, HEAD and OPTIONS (A46)", () => {
    const methods = ["GET", "HEAD", "OPTIONS", "get", "Head", "POST", "QUERY", "TRACE", "", " GET"]

    expect(methods.filter(isSafeMethod)).toEqual(["GET", "HEAD", "OPTIONS"])
  })
})

const sent = (from: {
  readonly site?: string
  readonly origin?: string
  readonly host?: string
}) => ({ site: from.site, origin: from.origin, host: from.host })

describe("siteProblem", () => {
  const host = "shop.example"

  it("refuses every Sec-Fetch-Site but same-origin and none (R28, A38, A39, A40)", () => {
    const sites = ["cross-site", "same-site", "", "Same-Origin", "same-origin, none", "x"]

    expect(sites.map((site) => siteProblem(sent({ site, host }), undefined))).toEqual(
      sites.map(() => "site")
    )
    expect(
      ["same-origin", "none"].map((site) => siteProblem(sent({ site, host }), undefined))
    ).toEqual([undefined, undefined])
  })

  it("lets Sec-Fetch-Site decide before the origin", () => {
    const origin = "https://other.example"

    expect(siteProblem(sent({ site: "same-origin", origin, host }), undefined)).toBeUndefined()
    expect(
      siteProblem(sent({ site: "cross-site", origin: `https://${host}`, host }), undefined)
    ).toBe("site")
  })

  it("takes a configured origin whatever Sec-Fetch-Site says (A39)", () => {
    const from = sent({ site: "same-site", origin: "https://app.example", host })

    expect(siteProblem(from, ["https://app.example"])).toBeUndefined()
  })

  it("takes the own host with either scheme by default", () => {
    const pairs = [
      ["http://shop.example", "shop.example"],
      ["https://shop.example", "shop.example"],
      ["https://shop.example", "Shop.Example"],
      ["https://shop.example", "shop.example:443"],
      ["http://localhost:3000", "localhost:3000"],
      ["http://[::1]:3000", "[::1]:3000"],
      ["http://my_app:3000", "my_app:3000"]
    ] as const

    expect(
      pairs.filter(([origin, own]) => siteProblem(sent({ origin, host: own }), undefined))
    ).toEqual([])
  })

  it("refuses other origins, null and what is no origin (A41, A42)", () => {
    const origins = [
      "https://evil.example",
      "null",
      "",
      "shop.example",
      "https://shop.example/",
      "https://shop.example:8443",
      "https://shop.example.evil.example",
      "https://user@shop.example",
      "ftp://shop.example",
      "HTTPS://SHOP.EXAMPLE",
      "https://shop.example, https://shop.example"
    ]

    expect(origins.map((origin) => siteProblem(sent({ origin, host }), undefined))).toEqual(
      origins.map(() => "origin")
    )
  })

  it("never takes a host that holds more than a host (A47)", () => {
    const hosts = [
      "evil.example/abc?x=",
      "evil.example#",
      "evil.example?",
      "x@evil.example",
      "evil.example\\",
      "evil.example ",
      "[::1",
      ""
    ]

    expect(
      hosts.map((own) =>
        siteProblem(sent({ origin: "https://evil.example", host: own }), undefined)
      )
    ).toEqual(hosts.map(() => "origin"))
    expect(siteProblem(sent({ origin: "null" }), undefined)).toBe("origin")
  })

  it("replaces the own host by the configured origins, scheme included (A44, A47)", () => {
    const origins = ["https://shop.example"]

    expect(siteProblem(sent({ origin: "http://shop.example", host }), origins)).toBe("origin")
    expect(
      siteProblem(sent({ origin: "https://shop.example", host: "x" }), origins)
    ).toBeUndefined()
    expect(siteProblem(sent({ origin: "https://shop.example", host }), [])).toBe("origin")
  })

  it("has nothing against a request with neither header: the token decides (A43)", () => {
    expect(siteProblem(sent({ host }), undefined)).toBeUndefined()
    expect(siteProblem(sent({}), ["https://shop.example"])).toBeUndefined()
  })
})

describe("parseOrigin", () => {
  it("writes an origin as browsers do", () => {
    const texts = [
      "https://A.example",
      "https://a.example/",
      "https://a.example:443",
      "http://a:80"
    ]

    expect(texts.map(parseOrigin)).toEqual([
      "https://a.example",
      "https://a.example",
      "https://a.example",
      "http://a"
    ])
  })

  it("takes nothing but an http(s) origin", () => {
    const texts = [
      "",
      "null",
      "*",
      "a.example",
      "//a.example",
      "ftp://a.example",
      "https://",
      "https://a.example/b",
      "https://a.example?b",
      "https://a.example#b",
      "https://b@a.example",
      "https://a.example\\b",
      "https://*.example .com"
    ]

    expect(texts.map(parseOrigin)).toEqual(texts.map(() => undefined))
  })
})

describe("rawPath", () => {
  it("is the path as it came, the query apart", () => {
    const targets = ["/", "/a/b?c=d", "/a//b/?", "/%61/../b", "//a", "/a#b", "/a?b?c"]

    expect(targets.map(rawPath)).toEqual(["/", "/a/b", "/a//b/", "/%61/../b", "//a", "/a#b", "/a"])
  })

  it("leaves out scheme and host of the absolute form", () => {
    expect(["http://h/a?b", "http://h:1/", "HTTP://h/a"].map(rawPath)).toEqual(["/a", "/", "/a"])
  })

  it("is nothing where there is no path", () => {
    const targets = ["", "*", "h:443", "http://h", "http://h?/a", "a/b", "?/a"]

    expect(targets.map(rawPath)).toEqual(targets.map(() => undefined))
  })

  it("never finds a path inside a host or a query", () => {
    fc.assert(
      fc.property(fc.fullUnicodeString(), (text) => {
        expect(rawPath(`http://h?${text}`)).toBeUndefined()
        expect(rawPath(`/a?${text}`)).toBe("/a")
      })
    )
  })
})
