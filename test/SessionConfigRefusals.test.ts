import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as SessionConfig from "../src/SessionConfig.js"

const keyText = Buffer.alloc(32, 7).toString("base64")
const key = Redacted.make(keyText)

/** A key of so many bytes. */
const redactedKey = (bytes: number) => Redacted.make(Buffer.alloc(bytes, 1).toString("base64"))

/** As a plain JavaScript caller passes them. */
const untyped = (options: unknown) => options as SessionConfig.Options

const refusal = (options: SessionConfig.Options) => Effect.flip(SessionConfig.make(options))

describe("layer refuses", () => {
  const timeout = "must be a duration from 1 second to 100 years."
  const duration = "must be a duration from 1 millisecond to 100 years."
  const keys = (...list: ReadonlyArray<unknown>) => untyped({ encrypt: { keys: list } })
  const badKey = "must have keys of exactly 32 bytes."
  const badLottery = "must be two whole numbers, such as [2, 100], the first from 1 to the second."
  const badLimit = 'must have a max of at least 1 and an onLimit of "evictOldest" or "reject".'
  const cases: ReadonlyArray<readonly [string, SessionConfig.Options, string, string]> = [
    ["an idle timeout under a second", { idleTimeout: "999 millis" }, "idleTimeout", timeout],
    ["an idle timeout without end", { idleTimeout: Duration.infinity }, "idleTimeout", timeout],
    ["a negative idle timeout", { idleTimeout: -5 }, "idleTimeout", timeout],
    ["a duration that cannot be read", untyped({ idleTimeout: "soon" }), "idleTimeout", timeout],
    ["an idle timeout beyond dates", { idleTimeout: "9999999 days" }, "idleTimeout", timeout],
    ["NaN for a timeout", { absoluteTimeout: Number.NaN }, "absoluteTimeout", timeout],
    ["null for a timeout", untyped({ absoluteTimeout: null }), "absoluteTimeout", timeout],
    ["a touch interval of nothing", { touchInterval: 0 }, "touchInterval", duration],
    ["a negative rotation grace", { rotationGrace: -1 }, "rotationGrace", duration],
    ["a quarantine without end", { quarantine: Duration.infinity }, "quarantine", duration],
    [
      "an absolute timeout under the idle timeout",
      { idleTimeout: "2 hours", absoluteTimeout: "1 hour" },
      "absoluteTimeout",
      "must be at least the idle timeout."
    ],
    [
      "an insecure cookie under a __Host- name",
      { cookie: { name: "__Host-session", secure: false } },
      "cookie.name",
      'must not start with "__Host-" while cookie.secure is false: ' +
        'choose a name without that prefix, such as "session".'
    ],
    [
      "a domain under a __Host- name",
      { cookie: { name: "__Host-session", domain: "example.com" } },
      "cookie.name",
      'must not start with "__Host-" while cookie.domain is set: ' +
        'choose a name without that prefix, such as "__Secure-session".'
    ],
    [
      "another path under a __Host- name",
      { cookie: { name: "__Host-session", path: "/app" } },
      "cookie.name",
      'must not start with "__Host-" while cookie.path is not "/": ' +
        'choose a name without that prefix, such as "__Secure-session".'
    ],
    [
      "a cookie name with a semicolon",
      { cookie: { name: "a;b" } },
      "cookie.name",
      "must be one or more letters, digits or characters of !#$%&'*+-.^_`|~."
    ],
    [
      "an unknown SameSite",
      untyped({ cookie: { sameSite: "Lax" } }),
      "cookie.sameSite",
      'must be "lax", "strict" or "none".'
    ],
    [
      "a cookie for scripts",
      untyped({ cookie: { httpOnly: false } }),
      "cookie.httpOnly",
      "is always true: scripts never need the cookie."
    ],
    [
      "a text for cookie.secure, since every text counts as true",
      untyped({ cookie: { secure: "false" } }),
      "cookie.secure",
      "must be true or false."
    ],
    [
      "null for the domain",
      untyped({ cookie: { domain: null } }),
      "cookie.domain",
      "must be a text."
    ],
    [
      "a text for expireOnClose",
      untyped({ expireOnClose: "no" }),
      "expireOnClose",
      "must be true or false."
    ],
    ["no key", keys(), "encrypt.keys", "must name at least one key."],
    [
      "encryption without keys",
      untyped({ encrypt: {} }),
      "encrypt.keys",
      "must be a list of keys."
    ],
    [
      "two keys of one id",
      keys({ id: "a", key }, { id: "a", key }),
      "encrypt.keys",
      "must give each key an id of its own."
    ],
    [
      "an empty key id",
      keys({ id: "", key }),
      "encrypt.keys",
      "must have key ids of 1 to 32 letters, digits, hyphens or underscores."
    ],
    [
      "a key in the clear",
      keys({ id: "a", key: keyText }),
      "encrypt.keys",
      "must have keys wrapped by Redacted.make."
    ],
    ["a key that is too short", keys({ id: "a", key: redactedKey(31) }), "encrypt.keys", badKey],
    ["a key that is too long", keys({ id: "a", key: redactedKey(33) }), "encrypt.keys", badKey],
    [
      "a second key that is not base64",
      keys({ id: "a", key }, { id: "b", key: Redacted.make("*".repeat(44)) }),
      "encrypt.keys",
      "must have keys in base64."
    ],
    [
      "an empty namespace",
      { namespace: "" },
      "namespace",
      "must be 1 to 64 printable ASCII characters without spaces."
    ],
    [
      "a namespace of 65 characters",
      { namespace: "a".repeat(65) },
      "namespace",
      "must be 1 to 64 printable ASCII characters without spaces."
    ],
    [
      "a namespace with a control character",
      { namespace: "a\n" },
      "namespace",
      "must be 1 to 64 printable ASCII characters without spaces."
    ],
    [
      "a namespace of the library",
      { namespace: "effect-session/revocations" },
      "namespace",
      'must not start with "effect-session/", which the library keeps for itself.'
    ],
    [
      "a proxy that is not an address",
      { trustedProxies: ["10.0.0.1", "10.0.0.0/33"] },
      "trustedProxies",
      'must list IP addresses and CIDR ranges: "10.0.0.0/33" is neither.'
    ],
    [
      "one text for the list of proxies",
      untyped({ trustedProxies: "10.0.0.1" }),
      "trustedProxies",
      "must be a list of addresses, or the number of proxies."
    ],
    ["a lottery nobody wins", { lottery: [0, 100] }, "lottery", badLottery],
    ["a lottery with more lots than draws", { lottery: [3, 2] }, "lottery", badLottery],
    ["half a lot", { lottery: [0.5, 100] }, "lottery", badLottery],
    ["a lottery of one number", untyped({ lottery: [2] }), "lottery", badLottery],
    [
      "a payload limit under 1 KiB",
      { maxPayloadBytes: 1023 },
      "maxPayloadBytes",
      "must be a whole number from 1024 to 16777216."
    ],
    [
      "a payload limit over 16 MiB",
      { maxPayloadBytes: 2 ** 24 + 1 },
      "maxPayloadBytes",
      "must be a whole number from 1024 to 16777216."
    ],
    [
      "a payload limit in parts of bytes",
      { maxPayloadBytes: 2048.5 },
      "maxPayloadBytes",
      "must be a whole number from 1024 to 16777216."
    ],
    [
      "another way with invalid payloads",
      untyped({ onInvalidPayload: "ignore" }),
      "onInvalidPayload",
      'must be "discard" or "fail".'
    ],
    [
      "no session for a user",
      { maxSessionsPerUser: { max: 0, onLimit: "reject" } },
      "maxSessionsPerUser",
      badLimit
    ],
    [
      "a limit without a policy",
      untyped({ maxSessionsPerUser: { max: 1 } }),
      "maxSessionsPerUser",
      badLimit
    ],
    ["null for the limit", untyped({ maxSessionsPerUser: null }), "maxSessionsPerUser", badLimit],
    ["null for all of them", untyped(null), "options", "must be an object."],
    ["a list", untyped([]), "options", "must be an object."],
    ["a text for the cookie", untyped({ cookie: "sid" }), "cookie", "must be an object."],
    [
      "a mistyped attribute of the cookie",
      untyped({ cookie: { samesite: "lax" } }),
      "cookie.samesite",
      "does not exist. The settings are cookie.name, cookie.secure, cookie.httpOnly, cookie.sameSite, " +
        "cookie.path, cookie.domain."
    ]
  ]

  for (const [what, options, field, reason] of cases) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const error = yield* refusal(options)

        expect({ field: error.field, reason: error.reason }).toEqual({ field, reason })
      })
    )
  }

  it.effect("a mistyped setting, and tells which there are", () =>
    Effect.gen(function* () {
      const error = yield* refusal(untyped({ idleTimout: "1 hour" }))

      expect(error.message).toMatch(
        /^The session setting idleTimout does not exist\. The settings are idleTimeout, .*\.$/
      )
    })
  )

  it.effect("a key without telling it", () =>
    Effect.gen(function* () {
      const error = yield* refusal(keys({ id: "a", key: Redacted.make("c2VjcmV0") }))

      expect(`${error} ${JSON.stringify(error)}`).not.toContain("c2VjcmV0")
    })
  )

  it.effect("SameSite none on an insecure cookie", () =>
    Effect.gen(function* () {
      const error = yield* refusal({ cookie: { name: "s", secure: false, sameSite: "none" } })

      expect(error.field).toBe("cookie.sameSite")
    })
  )
})
