import { isIP } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  clientAddress,
  makeProxyMatcher,
  normalize,
  type ProxyMatcher,
  sameNetwork,
  userAgentText
} from "../../src/core/http/address.js"

const trusting = (...list: ReadonlyArray<string>): ProxyMatcher => {
  const matcher = makeProxyMatcher(list)
  if (typeof matcher !== "function") throw new Error(`no range: ${matcher.bad}`)
  return matcher
}

describe("normalize", () => {
  it("brings each spelling of an address to one form (R43, A49)", () => {
    const forms: ReadonlyArray<readonly [string, string]> = [
      ["1.2.3.4", "1.2.3.4"],
      [" 1.2.3.4\t", "1.2.3.4"],
      ["1.2.3.4:55", "1.2.3.4"],
      ["::ffff:1.2.3.4", "1.2.3.4"],
      ["::FFFF:0102:0304", "1.2.3.4"],
      ["0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"],
      ["[::ffff:1.2.3.4]:80", "1.2.3.4"],
      ["::1", "::1"],
      ["[::1]", "::1"],
      ["[::1]:8080", "::1"],
      ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
      ["2001:0db8::0001", "2001:db8::1"],
      ["fe80::1%eth0", "fe80::1"],
      ["[fe80::1%25eth0]:443", "fe80::1"]
    ]

    expect(forms.map(([text]) => normalize(text))).toEqual(forms.map(([, form]) => form))
  })

  it("gives nothing for what is no address (A49)", () => {
    const texts = [
      "",
      "unknown",
      "_hidden",
      "localhost",
      "1.2.3",
      "1.2.3.256",
      "010.0.0.1",
      "1.2.3.4:",
      "1.2.3.4:x",
      "1.2.3.4:123456",
      "1.2.3.4%eth0",
      "[1.2.3.4]",
      "[::1",
      "::1]",
      "[::1]x",
      "[]",
      ":::",
      "1.2.3.4, 5.6.7.8",
      "1.2.3.4\0",
      "x".repeat(10_000)
    ]

    expect(texts.map(normalize)).toEqual(texts.map(() => undefined))
  })

  it("keeps every IPv6 address within 45 characters, valid and stable", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const address = normalize(text) ?? ""
        expect(isIP(address)).not.toBe(0)
        expect(address.length).toBeLessThanOrEqual(45)
        expect(normalize(address)).toBe(address)
      })
    )
  })

  it("gives a valid address or nothing for any text, and never throws", () => {
    const piece = fc.constantFrom("1", ".", ":", "::", "ffff", "%", "[", "]", "255", "eth0", " ")
    const text = fc.oneof(
      fc.string16bits(),
      fc.array(piece, { maxLength: 16 }).map((pieces) => pieces.join(""))
    )
    fc.assert(
      fc.property(text, (raw) => {
        const address = normalize(raw)
        expect(address === undefined || (isIP(address) !== 0 && address.length <= 45)).toBe(true)
      }),
      { numRuns: 3_000 }
    )
  })
})

describe("makeProxyMatcher", () => {
  it("matches single addresses and ranges of both families", () => {
    const isTrusted = trusting("10.0.0.0/8", "192.168.1.1", "fd00::/8", " 2001:db8::1 ")
    const inside = ["10.0.0.0", "10.255.255.255", "192.168.1.1", "fd12::1", "2001:DB8:0::1"]
    const outside = ["9.255.255.255", "11.0.0.0", "192.168.1.2", "fe00::1", "2001:db8::2"]

    expect(inside.filter((address) => !isTrusted(address))).toEqual([])
    expect(outside.filter(isTrusted)).toEqual([])
  })

  it("takes an IPv4 address in IPv6 clothes for the same address", () => {
    expect(trusting("10.0.0.0/8")("::ffff:10.1.2.3")).toBe(true)
    expect(trusting("::ffff:10.0.0.0/104")("10.1.2.3")).toBe(true)
    expect(trusting("::ffff:10.0.0.0/104")("11.1.2.3")).toBe(false)
  })

  it("ignores the bits of a range beyond its length", () => {
    expect(trusting("10.1.2.3/8")("10.9.9.9")).toBe(true)
  })

  it("keeps the families apart even for the whole of one", () => {
    expect(trusting("0.0.0.0/0")("8.8.8.8")).toBe(true)
    expect(trusting("0.0.0.0/0")("2001:db8::1")).toBe(false)
    expect(trusting("::/0")("2001:db8::1")).toBe(true)
    expect(trusting("::/0")("8.8.8.8")).toBe(false)
  })

  it("agrees with counting equal leading bits on any IPv4 range", () => {
    const bitsOf = (text: string) =>
      text.split(".").reduce((sum, byte) => sum + Number(byte).toString(2).padStart(8, "0"), "")
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), (base, address, bits) => {
        const isEqual = bitsOf(base).slice(0, bits) === bitsOf(address).slice(0, bits)
        expect(trusting(`${base}/${bits}`)(address)).toBe(isEqual)
      })
    )
  })

  it("trusts nobody when the list is empty", () => {
    expect(trusting()("127.0.0.1")).toBe(false)
  })

  it("trusts nothing that is no address", () => {
    expect(["", "unknown", "10", "x".repeat(10_000)].filter(trusting("10.0.0.0/8"))).toEqual([])
  })

  it("names the entry that is neither an address nor a range", () => {
    const bad = [
      "",
      "localhost",
      "10.0.0.0/33",
      "10.0.0.0/",
      "10.0.0.0/-1",
      "10.0.0.0/08",
      "10.0.0.0/8/8",
      "10.0.0.0/8.5",
      "::/129",
      "::ffff:10.0.0.0/8",
      "fe80::1%eth0",
      "1.2.3.4:80",
      "*"
    ]

    expect(bad.map((entry) => makeProxyMatcher(["10.0.0.1", entry]))).toEqual(
      bad.map((entry) => ({ bad: entry }))
    )
  })

  it("never throws on arbitrary entries", () => {
    const entry = fc.oneof(
      fc.string16bits(),
      fc.tuple(fc.ipV6(), fc.integer()).map((p) => p.join("/"))
    )
    fc.assert(
      fc.property(entry, (text) => {
        expect(["function", "object"]).toContain(typeof makeProxyMatcher([text]))
      })
    )
  })
})

describe("clientAddress", () => {
  const isTrusted = trusting("10.0.0.0/8", "::1")
  const client = (socket: string | undefined, forwardedFor: string | undefined) =>
    clientAddress({ socket, forwardedFor, isTrusted })

  it("is the socket's address when nothing was forwarded", () => {
    expect(client("::ffff:1.2.3.4", undefined)).toBe("1.2.3.4")
  })

  it("ignores what a peer that is no trusted proxy forwards (A48)", () => {
    expect(client("1.2.3.4", "9.9.9.9")).toBe("1.2.3.4")
  })

  it("ignores the header altogether when no proxy is trusted", () => {
    const address = clientAddress({
      socket: "127.0.0.1",
      forwardedFor: "9.9.9.9",
      isTrusted: trusting()
    })

    expect(address).toBe("127.0.0.1")
  })

  it("is the rightmost address that is no trusted proxy (R43)", () => {
    expect(client("10.0.0.1", "6.6.6.6, 5.5.5.5, 10.0.0.2")).toBe("5.5.5.5")
    expect(client("::1", "6.6.6.6,5.5.5.5")).toBe("5.5.5.5")
  })

  it("is the leftmost address when the whole chain is trusted", () => {
    expect(client("10.0.0.1", "10.0.0.3, 10.0.0.2")).toBe("10.0.0.3")
  })

  it("stops at the last trusted proxy before an entry that is no address (A49)", () => {
    const headers = ["unknown", "9.9.9.9, unknown", "9.9.9.9,,", "", ",", "9.9.9.9, 10.0.0.256"]

    expect(headers.map((header) => client("10.0.0.1", header))).toEqual(
      headers.map(() => "10.0.0.1")
    )
    expect(client("10.0.0.1", "9.9.9.9, unknown, 10.0.0.2")).toBe("10.0.0.2")
  })

  it("normalises what the proxies report (A49)", () => {
    const reported = ["1.2.3.4:55", "[2001:DB8::1]:80", "::ffff:1.2.3.4", "fe80::1%eth0"]

    expect(reported.map((header) => client("10.0.0.1", header))).toEqual([
      "1.2.3.4",
      "2001:db8::1",
      "1.2.3.4",
      "fe80::1"
    ])
  })

  it("follows a chain of 200 entries only as far as it is one of proxies (A49)", () => {
    const forged = Array.from({ length: 200 }, () => "9.9.9.9").join(", ")

    expect(client("10.0.0.1", `${forged}, 5.5.5.5`)).toBe("5.5.5.5")
  })

  it("asks about no more than 64 proxies however long the header is (A49)", () => {
    let asked = 0
    const counting: ProxyMatcher = () => {
      asked += 1
      return true
    }

    const address = clientAddress({
      socket: "10.0.0.1",
      forwardedFor: "10.0.0.2,".repeat(2_000),
      isTrusted: counting
    })
    clientAddress({
      socket: "10.0.0.1",
      forwardedFor: `9.9.9.9${",10.0.0.2".repeat(2_000)}`,
      isTrusted: counting
    })

    expect(address).toBe("10.0.0.1")
    expect(asked).toBe(1 + 64)
  })

  it("is nothing without a valid socket address, whatever is forwarded", () => {
    expect([undefined, "", "/run/app.sock"].map((socket) => client(socket, "9.9.9.9"))).toEqual([
      undefined,
      undefined,
      undefined
    ])
  })

  it("is a valid address or nothing for any header, and never throws (A49)", () => {
    const piece = fc.constantFrom("1.2.3.4", "10.0.0.2", ",", ", ", "unknown", "[::1]:3", ":", "\0")
    const header = fc.oneof(
      fc.string16bits(),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""))
    )
    fc.assert(
      fc.property(header, (text) => {
        expect(isIP(client("10.0.0.1", text) ?? "")).not.toBe(0)
      }),
      { numRuns: 1_000 }
    )
  })
})

describe("a number of proxies (R43)", () => {
  const behind = (count: number, forwardedFor: string | undefined, socket?: string) => {
    const isTrusted = makeProxyMatcher(count)
    if (typeof isTrusted !== "function") throw new Error(`no number: ${isTrusted.bad}`)
    return clientAddress({ socket, forwardedFor, isTrusted })
  }

  it("trusts the peer and as many entries from the right", () => {
    const header = "6.6.6.6, 5.5.5.5, 10.0.0.2"

    expect([0, 1, 2, 3, 4].map((count) => behind(count, header, "10.0.0.1"))).toEqual([
      "10.0.0.1",
      "10.0.0.2",
      "5.5.5.5",
      "6.6.6.6",
      "6.6.6.6"
    ])
  })

  it("works where the peer's address is unknown", () => {
    expect([0, 1, 2].map((count) => behind(count, "6.6.6.6, 5.5.5.5"))).toEqual([
      undefined,
      "5.5.5.5",
      "6.6.6.6"
    ])
  })

  it("is the peer where nothing is forwarded", () => {
    expect(behind(2, undefined, "10.0.0.1")).toBe("10.0.0.1")
  })

  it("stops before an entry that is no address (A49)", () => {
    expect(behind(3, "9.9.9.9, unknown, 10.0.0.2", "10.0.0.1")).toBe("10.0.0.2")
    expect(behind(1, "unknown")).toBeUndefined()
  })

  it("is a whole number from 0 to 64", () => {
    const bad = [-1, 0.5, 65, Number.NaN, Number.POSITIVE_INFINITY]

    expect(bad.map((count) => makeProxyMatcher(count))).toEqual(
      bad.map((count) => ({ bad: String(count) }))
    )
  })
})

describe("sameNetwork", () => {
  const exact = { ipv4: 32, ipv6: 128 }
  const wide = { ipv4: 24, ipv6: 64 }

  it("takes every spelling of one address for the same, IPv4 in IPv6 clothes too", () => {
    expect(sameNetwork("::ffff:1.2.3.4", "1.2.3.4", exact)).toBe(true)
    expect(sameNetwork("2001:DB8::1", "2001:db8:0:0::1", exact)).toBe(true)
  })

  it("tells any two addresses apart where every bit counts", () => {
    expect(sameNetwork("1.2.3.4", "1.2.3.5", exact)).toBe(false)
    expect(sameNetwork("2001:db8::1", "2001:db8::2", exact)).toBe(false)
  })

  it("compares the leading bits alone where a prefix is shorter", () => {
    expect(sameNetwork("1.2.3.4", "1.2.3.200", wide)).toBe(true)
    expect(sameNetwork("1.2.3.4", "1.2.4.4", wide)).toBe(false)
    expect(sameNetwork("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", wide)).toBe(true)
    expect(sameNetwork("2001:db8:0:1::1", "2001:db8:0:2::1", wide)).toBe(false)
  })

  it("takes an IPv4 prefix for an IPv4 address in IPv6 clothes", () => {
    expect(sameNetwork("::ffff:1.2.3.4", "1.2.3.9", { ipv4: 32, ipv6: 64 })).toBe(false)
  })

  it("never takes addresses of two families for the same", () => {
    expect(sameNetwork("1.2.3.4", "::1.2.3.4", { ipv4: 1, ipv6: 1 })).toBe(false)
  })

  it("takes what is no address for nothing", () => {
    expect(sameNetwork("", "", wide)).toBe(false)
    expect(sameNetwork("unknown", "unknown", wide)).toBe(false)
  })
})

describe("userAgentText", () => {
  it("keeps an ordinary user agent as it is", () => {
    const text = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"

    expect(userAgentText(text)).toBe(text)
  })

  it("cuts 8 KB to 512 characters (R44, A50)", () => {
    expect(userAgentText("a".repeat(8192))).toBe("a".repeat(512))
  })

  it("does not cut a character in two (R44)", () => {
    expect(userAgentText(`${"a".repeat(511)}😀b`)).toBe("a".repeat(511))
    expect(userAgentText(`${"a".repeat(510)}😀b`)).toBe(`${"a".repeat(510)}😀`)
  })

  it("replaces control characters by spaces (A50)", () => {
    expect(userAgentText("a\0b\r\nc\td\x7fe\x9ff")).toBe("a b  c d e f")
  })

  it("replaces lone surrogates", () => {
    expect(userAgentText("a\ud800b\udc00c😀")).toBe("a\ufffdb\ufffdc😀")
  })

  it("keeps markup as text (A50)", () => {
    expect(userAgentText("<script>")).toBe("<script>")
  })

  it("is nothing when nothing is left", () => {
    expect([undefined, "", "  ", "\0\n"].map(userAgentText)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined
    ])
  })

  it("is well-formed, short and free of control characters for any text", () => {
    const long = fc.string16bits({ minLength: 0, maxLength: 1_200 })
    fc.assert(
      fc.property(long, (raw) => {
        const text = userAgentText(raw) ?? ""
        expect(text.length).toBeLessThanOrEqual(512)
        expect(text).not.toMatch(/[\p{Cc}\p{Surrogate}]/u)
      })
    )
  })
})
