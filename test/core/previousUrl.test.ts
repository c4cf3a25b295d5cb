import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { cleanPreviousUrl, requestTarget } from "../../src/core/http/previousUrl.js"

const ORIGIN = "https://shop.example"
const clean = (url: string) => cleanPreviousUrl(url, ORIGIN)
const nothing = (urls: ReadonlyArray<string>) => urls.map(() => undefined)

describe("requestTarget", () => {
  it("leaves out scheme and host, and nothing else", () => {
    const urls = ["http://h/a?b=//c", "https://h:1/", "/a?b", "//h/a", "/a?u=http://h/", "http://h"]

    expect(urls.map(requestTarget)).toEqual([
      "/a?b=//c",
      "/",
      "/a?b",
      "//h/a",
      "/a?u=http://h/",
      ""
    ])
  })
})

describe("cleanPreviousUrl", () => {
  it("keeps a path with its query", () => {
    const urls = ["/", "/a", "/a/b?c=d&e=f", "/a?next=/b", "/a//b", "/a?u=https://x.example/"]

    expect(urls.map(clean)).toEqual(urls)
  })

  it("needs no origin for a path", () => {
    expect(cleanPreviousUrl("/a?b=c")).toBe("/a?b=c")
  })

  it("drops the fragment", () => {
    expect(["/a#b", "/a?b#c?d", `${ORIGIN}/a#b`].map(clean)).toEqual(["/a", "/a?b", "/a"])
  })

  it("reduces an absolute URL of the own origin to its path and query", () => {
    const urls = [`${ORIGIN}/a?b=c`, ORIGIN, "HTTPS://Shop.Example:443/a", `${ORIGIN}?b`]

    expect(urls.map(clean)).toEqual(["/a?b=c", "/", "/a", "/?b"])
  })

  it("takes the port and the scheme of the origin into account", () => {
    const urls = ["https://shop.example:8443/a", "http://shop.example/a"]

    expect(urls.map(clean)).toEqual(nothing(urls))
    expect(cleanPreviousUrl("http://localhost:3000/a", "http://localhost:3000")).toBe("/a")
  })

  it("refuses every absolute URL when the origin is unknown or no origin", () => {
    const origins = [undefined, "", "null", "shop.example", "*"]

    expect(origins.map((origin) => cleanPreviousUrl(`${ORIGIN}/a`, origin))).toEqual(
      origins.map(() => undefined)
    )
  })

  it("refuses other origins, also those that look alike", () => {
    const urls = [
      "https://evil.com/",
      "https://shop.example.evil.com/",
      "https://shop.example@evil.com/",
      "https://user:pass@shop.example/",
      "https://evil.com#https://shop.example/",
      "https://evilshop.example/"
    ]

    expect(urls.map(clean)).toEqual(nothing(urls))
  })

  it("refuses paths that browsers read as another host (A52)", () => {
    const urls = [
      "//evil.com",
      "///evil.com",
      "/\\evil.com",
      "\\\\evil.com",
      "\\/evil.com",
      "/a\\b",
      "/..//evil.com",
      "/a/..//evil.com",
      "/.//evil.com",
      "/%2e%2e//evil.com",
      `${ORIGIN}//evil.com`,
      `${ORIGIN}/a/..//evil.com`
    ]

    expect(urls.map(clean)).toEqual(nothing(urls))
  })

  it("refuses paths that become another host when decoded (A52)", () => {
    const urls = ["/%2fevil.com", "/%2Fevil.com", "/%5cevil.com", "/%5Cevil.com", "/%09/evil.com"]

    expect(urls.map(clean)).toEqual(nothing(urls))
  })

  it("refuses other schemes and relative texts (A52)", () => {
    const urls = [
      "https:evil",
      "https:/evil",
      "https:///evil.com",
      "http:a",
      "javascript:alert(1)",
      "data:text/html,x",
      "ftp://shop.example/",
      "blob:https://shop.example/a",
      "about:blank",
      "a/b",
      "?a=b",
      "#a",
      "",
      " /a",
      "\u00a0/a"
    ]

    expect(urls.map(clean)).toEqual(nothing(urls))
  })

  it("refuses control characters anywhere, so that no header is split (A52, A53)", () => {
    const urls = ["\t//evil", "/\t/evil.com", "/a\r\nSet-Cookie: x=y", "/a\0", "/a?b=\n", "/a\x7f"]

    expect(urls.map(clean)).toEqual(nothing(urls))
  })

  it("refuses control characters that are percent-encoded (A53)", () => {
    const urls = ["/a%0d%0aSet-Cookie:x", "/a?b=%0A", "/a%00", "/%1F", "/a%7f", "/a%0D"]

    expect(urls.map(clean)).toEqual(nothing(urls))
  })

  it("refuses queries whose parameter has the name of a secret (A55)", () => {
    const names = [
      "token",
      "_token",
      "TOKEN",
      "access_token",
      "reset-token",
      "idToken",
      "code",
      "password",
      "user[password]",
      "new_password",
      "sid",
      "session",
      "session_id",
      "PHPSESSID",
      "jwt",
      "api_key",
      "client_secret",
      "X-Amz-Signature",
      "%74oken",
      "to%6ben",
      "t+oken"
    ]
    const urls = names.flatMap((name) => [`/a?${name}=x`, `/a?b=c&${name}=x`, `/a?b;${name}=x`])

    expect(urls.map(clean)).toEqual(nothing(urls))
    expect(clean("/a?token")).toBeUndefined()
    expect(clean(`${ORIGIN}/a?token=x`)).toBeUndefined()
  })

  it("refuses a session id in a path parameter (A55)", () => {
    expect(clean("/a;jsessionid=1234?b=c")).toBeUndefined()
  })

  it("keeps harmless parameters that only resemble the names of secrets", () => {
    const urls = ["/a?zipcode=1", "/a?compass=n", "/a?tokens_used=3", "/a?q=token", "/a?sidebar=1"]

    expect(urls.map(clean)).toEqual(urls)
  })

  it("refuses more than 2048 characters, before and after encoding (A55)", () => {
    expect(clean(`/${"a".repeat(2047)}`)).toBe(`/${"a".repeat(2047)}`)
    expect(clean(`/${"a".repeat(2048)}`)).toBeUndefined()
    expect(clean(`/${"ü".repeat(1_000)}`)).toBeUndefined()
    expect(clean(`/${"a".repeat(10_000_000)}`)).toBeUndefined()
  })

  it("percent-encodes what a header cannot carry", () => {
    expect(clean("/straße?q=ü😀")).toBe("/stra%C3%9Fe?q=%C3%BC%F0%9F%98%80")
  })

  it("only ever gives a path that stays on its origin, and gives it again the second time", () => {
    const piece = fc.constantFrom(
      "/",
      "\\",
      "..",
      ".",
      "%2e",
      "%2f",
      "%5c",
      "%25",
      "?",
      "#",
      ":",
      "@",
      "a",
      "evil.com",
      "https:",
      ORIGIN,
      "\t",
      " ",
      "=",
      "&",
      "ü",
      "\ud800"
    )
    const text = fc.oneof(
      fc.string16bits(),
      fc.webUrl(),
      fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join("")),
      fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join("")}`)
    )
    fc.assert(
      fc.property(text, (url) => {
        const path = clean(url)
        if (path === undefined) return
        expect(path).toMatch(/^\/(?![/\\])[!-~]*$/)
        expect(new URL(path, "https://other.example").origin).toBe("https://other.example")
        expect(clean(path)).toBe(path)
      }),
      { numRuns: 5_000 }
    )
  })
})
