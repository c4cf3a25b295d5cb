import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  type CookieAttributes,
  type CookieReading,
  cookieProblem,
  readCookie
} from "../../src/core/http/cookie.js"
import { isToken, makeToken } from "../../src/core/record/token.js"

const NAME = "__Host-session"
const token = makeToken()
const other = makeToken()
const read = (header: string | undefined) => readCookie(header, NAME)
const found: CookieReading = { _tag: "token", token }

const attributes = (changes: Partial<CookieAttributes> = {}): CookieAttributes => ({
  name: NAME,
  secure: true,
  sameSite: "lax",
  path: "/",
  ...changes
})

/** The same reading in the plainest way, to compare with. */
const naive = (header: string, name: string): CookieReading => {
  const trim = (text: string) => text.replace(/^[ \t]+|[ \t]+$/g, "")
  const values = new Set<string>()
  for (const part of header.split(";")) {
    const equals = part.indexOf("=")
    if (equals > 0 && trim(part.slice(0, equals)) === name) values.add(trim(part.slice(equals + 1)))
  }
  const [value] = values
  if (value === undefined) return { _tag: "none" }
  if (values.size > 1) return { _tag: "ambiguous" }
  return isToken(value) ? { _tag: "token", token: value } : { _tag: "malformed" }
}

describe("readCookie", () => {
  it("finds the token alone, first, last and between others", () => {
    const headers = [
      `${NAME}=${token}`,
      `${NAME}=${token}; a=1`,
      `a=1; ${NAME}=${token}`,
      `a=1; ${NAME}=${token}; b=2`,
      `a=1;${NAME}=${token};b=2`,
      `a=1; \t${NAME} = ${token} \t; b=2;`
    ]

    expect(headers.map(read)).toEqual(headers.map(() => found))
  })

  it("says none without a header, with an empty one, and with other cookies", () => {
    const headers = [undefined, "", "a=1; b=2", ";;;", "; ;", NAME, `a=${NAME}`, `a=${NAME}=x`]

    expect(headers.map(read)).toEqual(headers.map(() => ({ _tag: "none" })))
  })

  it("does not take a longer name for ours", () => {
    const headers = [`x${NAME}=${token}`, `${NAME}x=${token}`, `x ${NAME}=${token}`]

    expect(headers.map(read)).toEqual(headers.map(() => ({ _tag: "none" })))
  })

  it("calls an empty value malformed (A1)", () => {
    expect([`${NAME}=`, `${NAME}= ; a=1`].map(read)).toEqual([
      { _tag: "malformed" },
      { _tag: "malformed" }
    ])
  })

  it("calls values that are no token malformed (A2, A3, A5-A10)", () => {
    const values = [
      token.slice(1),
      `${token}A`,
      `+${token.slice(1)}`,
      `/${token.slice(1)}`,
      `${token.slice(1)}=`,
      "../../../etc/passwd",
      "%2e%2e%2fetc",
      "..%5cetc",
      "abc%00",
      "abc\0",
      "' OR 1=1 --",
      "*",
      "%",
      "_",
      "\r\nDEL x",
      "é".repeat(43),
      "\ud800".repeat(43)
    ]

    expect(values.map((value) => read(`${NAME}=${value}`))).toEqual(
      values.map(() => ({ _tag: "malformed" }))
    )
  })

  it("does not decode percent signs (A6)", () => {
    const encoded = `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`

    expect(read(`${NAME}=${encoded}`)).toEqual({ _tag: "malformed" })
  })

  it("calls a very long value malformed (A4)", () => {
    expect(read(`${NAME}=${"A".repeat(15_000)}`)).toEqual({ _tag: "malformed" })
  })

  it("calls a token with stray low bits malformed (A13)", () => {
    expect(read(`${NAME}=${"A".repeat(42)}B`)).toEqual({ _tag: "malformed" })
  })

  it("calls two different values ambiguous, wherever they stand (A17)", () => {
    const headers = [
      `${NAME}=${token}; ${NAME}=${other}`,
      `${NAME}=${token}; a=1; ${NAME}=`,
      `${NAME}=junk; ${NAME}=${token}`,
      `${NAME}=${token}; ${NAME}=${token}; ${NAME}="${token}"`
    ]

    expect(headers.map(read)).toEqual(headers.map(() => ({ _tag: "ambiguous" })))
  })

  it("accepts the same token twice (A18)", () => {
    expect(read(`${NAME}=${token}; a=1; ${NAME}=${token}`)).toEqual(found)
  })

  it("does not take a no-break space for a blank before the name (A19)", () => {
    expect(read(`\u00a0${NAME}=${other}; ${NAME}=${token}`)).toEqual(found)
  })

  it("does not take other Unicode blanks or line breaks for a blank (A19)", () => {
    const blanks = ["\u2003", "\ufeff", "\u0085", "\n", "\r", "\v", "\f"]
    const headers = blanks.flatMap((blank) => [
      `${blank}${NAME}=${token}`,
      `${NAME}${blank}=${token}`
    ])

    expect(headers.map(read)).toEqual(headers.map(() => ({ _tag: "none" })))
  })

  it("does not trim a no-break space off the value (F5)", () => {
    expect(read(`${NAME}=${token}\u00a0`)).toEqual({ _tag: "malformed" })
  })

  it("ignores names in another case (A20)", () => {
    expect(read(`${NAME.toLowerCase()}=${other}; ${NAME.toUpperCase()}=${other}`)).toEqual({
      _tag: "none"
    })
  })

  it("ignores a nameless cookie that spells ours (A21)", () => {
    expect(read(`=${NAME}=${other}; ${NAME}=${token}`)).toEqual(found)
  })

  it("calls a quoted value malformed (A22)", () => {
    const headers = [`${NAME}="${token}"`, `$Version=1; ${NAME}="${token}"; $Path=/`]

    expect(headers.map(read)).toEqual(headers.map(() => ({ _tag: "malformed" })))
  })

  it("finds ours after 300 others (A23)", () => {
    const others = Array.from({ length: 300 }, (_, index) => `cookie${index}=${NAME}`).join("; ")

    expect(read(`${others}; ${NAME}=${token}`)).toEqual(found)
  })

  it("reads megabytes of blanks and near misses to the end", () => {
    const filler = `${" ".repeat(500_000)}${NAME}${"\t".repeat(500_000)}x; ${NAME.repeat(20_000)}`

    expect(read(`${filler}; ${NAME}=${token}`)).toEqual(found)
  })

  it("finds names that overlap themselves or hold special characters", () => {
    const names = ["aa", "a.a", "$a", "a|a", "^a$"]

    expect(names.map((name) => readCookie(`a${name}=1; ${name}=${token}`, name))).toEqual(
      names.map(() => found)
    )
  })

  it("says none for an empty name", () => {
    expect(readCookie(`=${token}`, "")).toEqual({ _tag: "none" })
  })

  it("agrees with the plainest reading on any mixture of pieces", () => {
    const piece = fc.constantFrom("s", "ss", "=", ";", " ", "\t", "\u00a0", "x", '"', token, other)
    const header = fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join(""))
    fc.assert(
      fc.property(header, fc.constantFrom("s", "ss"), (text, name) => {
        expect(readCookie(text, name)).toEqual(naive(text, name))
      }),
      { numRuns: 5_000 }
    )
  })

  it("never gives a token that is not canonical, and never throws", () => {
    const value = fc.oneof(
      fc.fullUnicodeString(),
      fc.string16bits(),
      fc.uint8Array({ minLength: 31, maxLength: 33 }).map((b) => Buffer.from(b).toString("base64"))
    )
    fc.assert(
      fc.property(fc.string16bits(), value, (before, text) => {
        const reading = read(`${before}; ${NAME}=${text}`)
        expect(reading._tag !== "token" || isToken(reading.token)).toBe(true)
      })
    )
  })
})

describe("cookieProblem", () => {
  const fieldOf = (changes: Partial<CookieAttributes>) => cookieProblem(attributes(changes))?.field

  it("finds nothing wrong with sound cookies", () => {
    const sound: ReadonlyArray<Partial<CookieAttributes>> = [
      {},
      { sameSite: "none" },
      { name: "sid", secure: false },
      { name: "__Secure-sid", domain: "example.com", path: "/app" },
      { name: "sid", domain: ".shop.example.co.uk" },
      { name: "sid", domain: "xn--bcher-kva.example" },
      { name: "sid", path: "/a%20b/~c:d=e" },
      { name: "sid", path: `/${"a".repeat(1023)}` },
      { name: "a".repeat(4096 - 43) }
    ]

    expect(sound.map((changes) => cookieProblem(attributes(changes)))).toEqual(
      sound.map(() => undefined)
    )
  })

  it("refuses names that are no token (R18)", () => {
    const names = ["", "a b", "a=b", "a;b", "a,b", "é", 'a"', "a\0", "a\n", "(a)", "a/b", "a\\b"]

    expect(names.map((name) => fieldOf({ name }))).toEqual(names.map(() => "cookie.name"))
  })

  it("refuses a __Host- name without Secure, with a domain or another path (R14, F6)", () => {
    const changes = [{ secure: false }, { domain: "example.com" }, { path: "/x" }]

    expect(changes.map(fieldOf)).toEqual(changes.map(() => "cookie.name"))
  })

  it("refuses __Secure- and __Http- names without Secure (R14)", () => {
    const names = ["__Secure-sid", "__Http-sid"]

    expect(names.map((name) => fieldOf({ name, secure: false }))).toEqual(
      names.map(() => "cookie.name")
    )
  })

  it("compares the prefixes without regard to case, as browsers do", () => {
    const names = ["__host-sid", "__HOST-sid", "__sEcUrE-sid"]

    expect(names.map((name) => fieldOf({ name, secure: false }))).toEqual(
      names.map(() => "cookie.name")
    )
  })

  it("tells what to do about a prefix that does not fit", () => {
    expect(cookieProblem(attributes({ secure: false }))?.reason).toBe(
      'must not start with "__Host-" while cookie.secure is false: choose a name without that prefix, such as "session"'
    )
  })

  it("refuses SameSite=None without Secure (R16)", () => {
    expect(fieldOf({ name: "sid", secure: false, sameSite: "none" })).toBe("cookie.sameSite")
  })

  it("refuses paths that browsers would cut, ignore or read as attributes (R18)", () => {
    const paths = ["", "app", "/a;b", "/a b", "/ü", "/a\n", "/a\0", "/a\x7f", " /", "/a "]

    expect(paths.map((path) => fieldOf({ name: "sid", path }))).toEqual(
      paths.map(() => "cookie.path")
    )
  })

  it("refuses domains that are no host name of at least two labels (R18)", () => {
    const domains = [
      "",
      ".",
      "com",
      ".com",
      "localhost",
      "example.com.",
      "..example.com",
      "a..b",
      "-a.com",
      "a-.com",
      "a b.com",
      "exa;mple.com",
      "exämple.com",
      "example.com:80",
      "https://example.com",
      "127.0.0.1",
      "::1",
      `${"a".repeat(64)}.com`,
      `${"a.".repeat(126)}com`
    ]

    expect(domains.map((domain) => fieldOf({ name: "sid", domain }))).toEqual(
      domains.map(() => "cookie.domain")
    )
  })

  it("refuses a pair over 4096 and an attribute over 1024 octets (R17)", () => {
    expect(fieldOf({ name: "a".repeat(4096 - 42) })).toBe("cookie.name")
    expect(fieldOf({ name: "sid", path: `/${"a".repeat(1024)}` })).toBe("cookie.path")
  })

  it("lets nothing through that could break out of the header (R18)", () => {
    const text = fc.oneof(fc.string16bits({ maxLength: 6 }), fc.string({ maxLength: 6 }))
    fc.assert(
      fc.property(text, text, text, (name, path, domain) => {
        const cookie = attributes({ name, path: `/${path}`, domain: `${domain}.com` })
        if (cookieProblem(cookie) === undefined) {
          expect([cookie.name, cookie.path, cookie.domain]).toEqual([
            expect.stringMatching(/^[!-:<>-~]+$/),
            expect.stringMatching(/^\/[!-:<-~]*$/),
            expect.stringMatching(/^[\w.-]+$/)
          ])
        }
      }),
      { numRuns: 2_000 }
    )
  })
})
