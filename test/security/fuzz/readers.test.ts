/** What reads text from a client, against slow readers that are written another way. */
import { isIP } from "node:net"
import { describe, expect, it } from "vitest"
import { clientAddress, makeProxyMatcher, normalize } from "../../../src/core/http/address.js"
import { type CookieReading, readCookie } from "../../../src/core/http/cookie.js"
import { makeSecret, mask, verify } from "../../../src/core/http/csrf.js"
import { cleanPreviousUrl } from "../../../src/core/http/previousUrl.js"
import { makeToken } from "../../../src/core/record/token.js"
import { isFault } from "../../../src/core/session/fault.js"
import type { JsonObject } from "../../../src/core/session/json.js"
import { get, isKey, parse, removeAll, set } from "../../../src/core/session/path.js"
import { fuzz, mutated, type Random, seed, textOf } from "./random.js"

const remove = (root: JsonObject, path: ReadonlyArray<string>) => removeAll(root, [path])

console.info(`EFFECT_SESSION_FUZZ_SEED=${seed}`)

/** Fails without building a message for each of a million inputs. */
const same = (given: unknown, expected: unknown, input: unknown): void => {
  if (!Object.is(given, expected)) expect({ input, given }).toEqual({ input, given: expected })
}

const holds = (truth: boolean, input: unknown): void => {
  if (!truth) expect.fail(`Not so for ${JSON.stringify(input)}`)
}

describe("fuzzed", () => {
  const name = "__Host-session"
  const tokens = [makeToken(), makeToken()] as const

  const canonical = (value: string): boolean =>
    /^[A-Za-z0-9_-]{43}$/.test(value) &&
    Buffer.from(value, "base64url").toString("base64url") === value

  const trimmed = (text: string): string => text.replace(/^[ \t]+|[ \t]+$/g, "")

  const slowCookie = (header: string): string => {
    const values = new Set<string>()
    for (const pair of header.split(";")) {
      const equals = pair.indexOf("=")
      if (equals >= 0 && trimmed(pair.slice(0, equals)) === name) {
        values.add(trimmed(pair.slice(equals + 1)))
      }
    }
    const [only] = values
    if (only === undefined) return "none"
    if (values.size > 1) return "ambiguous"
    return canonical(only) ? `token ${only}` : "malformed"
  }

  const told = (reading: CookieReading): string =>
    reading._tag === "token" ? `token ${reading.token}` : reading._tag

  it("R04 A1 A17 the cookie reader reads what a slow one reads", () => {
    const pieces = [
      name,
      `${name}=`,
      ...tokens,
      "; ",
      ";",
      "=",
      " ",
      "\t",
      "\xa0",
      '"',
      "a=b",
      "%61",
      "__host-session="
    ]
    fuzz("cookie", 300_000, (random) => {
      const whole = `${name}=${random.pick(tokens)}`
      const header =
        random.below(2) === 0
          ? textOf(random, pieces, 10)
          : mutated(random, `a=b; ${whole}; c=d`, pieces)

      same(told(readCookie(header, name)), slowCookie(header), header)
    })
  })

  it("R29 R31 A45 the CSRF token is taken in its one form and under the secret of the session only", () => {
    const secrets = [makeSecret(), makeSecret()] as const
    const masks = secrets.map((secret) => mask(secret))
    const slowVerify = (secret: string, token: string): boolean => {
      const bytes = Buffer.from(token, "base64url")
      if (bytes.length !== 64 || bytes.toString("base64url") !== token) return false
      const plain = bytes.subarray(32).map((byte, index) => byte ^ (bytes[index] ?? 0))
      return Buffer.from(plain).toString("base64url") === secret
    }
    fuzz("csrf", 150_000, (random) => {
      const secret = random.pick(secrets)
      const token =
        random.below(8) === 0
          ? random.pick(masks)
          : mutated(random, random.pick(masks), ["A", "_", "-", "=", "+", "/", secret])

      same(verify(secret, token), slowVerify(secret, token), token)
    })
  })

  const addressPieces = [
    "1",
    "10.0.0.1",
    "255",
    ".",
    ":",
    "::",
    "::1",
    "ffff",
    "[",
    "]",
    "%",
    "eth0",
    "/8",
    " ",
    ":80",
    "fe80",
    "256",
    "01",
    "unknown"
  ]

  it("R43 A49 an address is normalised to one that is the same, or to none", () => {
    fuzz("address", 150_000, (random) => {
      const text =
        random.below(2) === 0
          ? textOf(random, addressPieces, 8)
          : mutated(random, "2001:db8::ff:1.2.3.4", addressPieces)
      const result = normalize(text)
      if (result === undefined) {
        holds(isIP(text) === 0, text)
        return
      }
      holds(isIP(result) !== 0 && result.length <= 45, text)
      same(normalize(result), result, text)
      if (isIP(text) === 6) same(bytesOfAddress(result), bytesOfAddress(text), text)
    })
  })

  it("R43 A48 the client behind proxies is who a slow walk from the right finds", () => {
    const proxies = ["10.0.0.1", "::1", "192.168.0.7"]
    const matcher = makeProxyMatcher(proxies)
    if (typeof matcher !== "function") throw new Error("The list is refused.")
    const entries = [
      ...proxies,
      "1.2.3.4",
      "9.9.9.9:80",
      "[::1]:3",
      "unknown",
      "",
      "evil",
      "::ffff:10.0.0.1"
    ]
    const slowClient = (socket: string, forwardedFor: string): string | undefined => {
      let client = normalize(socket)
      for (const entry of forwardedFor.split(",").reverse()) {
        if (client === undefined || !proxies.includes(client)) return client
        const next = normalize(entry)
        if (next === undefined) return client
        client = next
      }
      return client
    }
    fuzz("forwarded", 100_000, (random) => {
      const socket = random.pick(entries)
      const forwardedFor = random
        .many(6, () => random.pick(entries))
        .join(random.pick([",", ", ", " ,"]))
      const found = clientAddress({ socket, forwardedFor, isTrusted: matcher })

      same(found, slowClient(socket, forwardedFor), [socket, forwardedFor])
    })
  })

  it("R45 A52 A53 a previous URL is a path of this origin under every reading, or none", () => {
    const origin = "https://shop.example"
    const pieces = [
      "/",
      "//",
      "\\",
      "%2f",
      "%5c",
      "%0d%0a",
      "\r\n",
      "\t",
      origin,
      "https:",
      "http://evil.example",
      "@",
      "?a=b",
      "#x",
      "..",
      ".",
      "a",
      "ü",
      ":",
      "javascript:"
    ]
    fuzz("previousUrl", 150_000, (random) => {
      const url =
        random.below(2) === 0
          ? textOf(random, pieces, 6)
          : mutated(random, `${origin}/a/b?c=d`, pieces)
      const result = cleanPreviousUrl(url, origin)
      if (result === undefined) return

      holds(/^\/(?![/\\])[!-~]*$/.test(result) && result.length <= 2048, [url, result])
      same(new URL(result, origin).origin, origin, url)
      holds(!/^\/[/\\]/.test(decodedOnce(result)), [url, result])
      holds(!/\p{Cc}/u.test(decodedOnce(result)), [url, result])
      same(cleanPreviousUrl(result, origin), result, url)
    })
  })

  const segments = [
    "a",
    "b",
    "0",
    "1",
    "00",
    "-1",
    "__proto__",
    "constructor",
    "prototype",
    "toString",
    "length",
    "",
    " ",
    "é"
  ]
  const forbidden = new Set(["__proto__", "constructor", "prototype", ""])

  it("A34 A36 a key is a path without empty segments and prototypes, and finds what was put there", () => {
    fuzz("path", 200_000, (random) => {
      const key = random.many(5, () => random.pick(segments)).join(".")
      const slow = key.split(".")
      const allowed = slow.every((segment) => !forbidden.has(segment))

      same(isKey(key), allowed, key)
      const path = parse(key)
      same(isFault(path), !allowed, key)
      if (isFault(path)) return
      const before = dataOf(random)
      const text = JSON.stringify(before)
      const after = set(before, path, "put")
      same(JSON.stringify(before), text, key)
      if (!isFault(after)) {
        same(get(after, path), "put", [text, key])
        same(Reflect.get(Object.prototype, "a"), undefined, key)
        same(get(remove(after, path), path) === "put", false, [text, key])
      }
    })
  })
})

const dataOf = (random: Random): JsonObject =>
  random.pick<JsonObject>([
    {},
    { a: 1 },
    { a: { b: { a: [] } } },
    { a: ["x", { b: 1 }], b: null },
    { "0": { "1": "x" }, toString: "own" }
  ])

const decodedOnce = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return ""
  }
}

/** The 16 bytes of an address in hex, an IPv4 one as its form in IPv6; zones do not count. */
const bytesOfAddress = (text: string): string => {
  const bare = text.split("%", 1)[0] ?? ""
  if (!bare.includes(":")) return bytesOfAddress(`::ffff:${bare}`)
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(bare)
  const hex = (high = "", low = "") => ((Number(high) << 8) | Number(low)).toString(16)
  const groups =
    dotted === null ? bare : `${dotted[1]}${hex(dotted[2], dotted[3])}:${hex(dotted[4], dotted[5])}`
  const [left = "", right] = groups.split("::")
  const head = left === "" ? [] : left.split(":")
  const tail = right === undefined || right === "" ? [] : right.split(":")
  const middle = right === undefined ? [] : new Array(8 - head.length - tail.length).fill("0")
  return [...head, ...middle, ...tail].map((group) => group.padStart(4, "0").toLowerCase()).join("")
}
