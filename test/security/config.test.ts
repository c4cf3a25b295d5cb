/** Settings that would make sessions unsafe, and the presets. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { describe, expect, it } from "vitest"
import * as SessionConfig from "../../src/SessionConfig.js"

const minutes = (options: SessionConfig.Options) =>
  Effect.runPromise(
    Effect.map(SessionConfig.make(options), ({ absoluteTimeout, idleTimeout }) => [
      Duration.toMinutes(idleTimeout),
      Duration.toMinutes(absoluteTimeout)
    ])
  )

describe("R12 the preset", () => {
  it("aal1 ends a session after 30 days, used or not", async () => {
    expect(await minutes(SessionConfig.aal1)).toEqual([43_200, 43_200])
  })

  it("aal2 ends a session after an hour unused, and after 24 hours", async () => {
    expect(await minutes(SessionConfig.aal2)).toEqual([60, 1_440])
  })

  it("aal3 ends a session after 15 minutes unused, and after 12 hours", async () => {
    expect(await minutes(SessionConfig.aal3)).toEqual([15, 720])
  })

  it("keeps every other setting as safe as without it", async () => {
    const plain = await Effect.runPromise(SessionConfig.make({}))
    for (const preset of [SessionConfig.aal1, SessionConfig.aal2, SessionConfig.aal3]) {
      const { cookie, encrypt, maxPayloadBytes, trustedProxies } = await Effect.runPromise(
        SessionConfig.make(preset)
      )

      expect({ cookie, encrypt, maxPayloadBytes, trustedProxies }).toEqual({
        cookie: plain.cookie,
        encrypt: undefined,
        maxPayloadBytes: plain.maxPayloadBytes,
        trustedProxies: []
      })
    }
  })

  it("yields to what is said beside it", async () => {
    expect(await minutes({ ...SessionConfig.aal2, idleTimeout: "30 minutes" })).toEqual([30, 1_440])
  })
})

const plainKey = Redacted.make(Buffer.alloc(32, 1).toString("base64"))

/** As a plain JavaScript caller passes them. */
const untyped = (options: unknown) => options as SessionConfig.Options

const unsafe: ReadonlyArray<
  readonly [id: string, what: string, options: SessionConfig.Options, field: string]
> = [
  [
    "R14",
    "the __Host- prefix without Secure",
    { cookie: { name: "__Host-s", secure: false } },
    "cookie.name"
  ],
  [
    "R14",
    "the __Host- prefix with a domain",
    { cookie: { name: "__Host-s", domain: "a.example" } },
    "cookie.name"
  ],
  [
    "R14",
    "the __Host- prefix with a path",
    { cookie: { name: "__Host-s", path: "/shop" } },
    "cookie.name"
  ],
  [
    "R14",
    "the prefix in another case",
    { cookie: { name: "__hOsT-s", domain: "a.example" } },
    "cookie.name"
  ],
  [
    "R14",
    "the __Secure- prefix without Secure",
    { cookie: { name: "__Secure-s", secure: false } },
    "cookie.name"
  ],
  ["R15", "a cookie for scripts", untyped({ cookie: { httpOnly: false } }), "cookie.httpOnly"],
  [
    "R16",
    "SameSite=None without Secure",
    { cookie: { name: "s", secure: false, sameSite: "none" } },
    "cookie.sameSite"
  ],
  ["R16", "a SameSite that is none", untyped({ cookie: { sameSite: "off" } }), "cookie.sameSite"],
  ["R17", "a name that fills the cookie", { cookie: { name: "n".repeat(4096) } }, "cookie.name"],
  [
    "R17",
    "a path over 1024",
    { cookie: { name: "n", path: `/${"p".repeat(1024)}` } },
    "cookie.path"
  ],
  ["R18", "a name with a semicolon", { cookie: { name: "a; Domain=x" } }, "cookie.name"],
  ["R18", "a path with a line break", { cookie: { name: "n", path: "/\r\nx" } }, "cookie.path"],
  [
    "R18",
    "a domain with an attribute",
    { cookie: { name: "n", domain: "a.b; x" } },
    "cookie.domain"
  ],
  ["R18", "a top-level domain", { cookie: { name: "n", domain: "com" } }, "cookie.domain"],
  [
    "R10",
    "an absolute timeout without end",
    { absoluteTimeout: Duration.infinity },
    "absoluteTimeout"
  ],
  [
    "R10",
    "an absolute timeout under the idle timeout",
    { idleTimeout: "2 hours", absoluteTimeout: "1 hour" },
    "absoluteTimeout"
  ],
  ["R09", "an idle timeout without end", { idleTimeout: Duration.infinity }, "idleTimeout"],
  [
    "R23",
    "payloads without limit",
    { maxPayloadBytes: Number.POSITIVE_INFINITY },
    "maxPayloadBytes"
  ],
  ["R43", "a proxy that is no address", { trustedProxies: ["*"] }, "trustedProxies"],
  ["R43", "a number of proxies below 0", { trustedProxies: -1 }, "trustedProxies"],
  ["R54", "a namespace of the library", { namespace: "effect-session/x" }, "namespace"],
  ["R55", "encryption without a key", untyped({ encrypt: { keys: [] } }), "encrypt.keys"],
  [
    "R55",
    "a key of 16 bytes",
    untyped({
      encrypt: { keys: [{ id: "a", key: Redacted.make(Buffer.alloc(16).toString("base64")) }] }
    }),
    "encrypt.keys"
  ],
  [
    "R55",
    "a passphrase for a key",
    untyped({
      encrypt: { keys: [{ id: "a", key: Redacted.make("correct horse battery staple") }] }
    }),
    "encrypt.keys"
  ],
  [
    "R55",
    "a key that is not redacted",
    untyped({ encrypt: { keys: [{ id: "a", key: "A".repeat(44) }] } }),
    "encrypt.keys"
  ],
  [
    "R55",
    "two keys of one id",
    untyped({ encrypt: { keys: [1, 2].map(() => ({ id: "a", key: plainKey })) } }),
    "encrypt.keys"
  ]
]

describe("the layer refuses, in a sentence that says what to do,", () => {
  for (const [id, what, options, field] of unsafe) {
    it(`${id} ${what}`, async () => {
      const error = await Effect.runPromise(Effect.flip(SessionConfig.make(options)))

      expect(error.field).toBe(field)
      expect(error.message).toMatch(/^The session setting \S+ (?:must|is always) .{10,}\.$/)
    })
  }
})

const environments: ReadonlyArray<
  readonly [id: string, what: string, variables: Readonly<Record<string, string>>, field: string]
> = [
  ["R55", "encryption without SESSION_KEYS", { SESSION_ENCRYPT: "true" }, "SESSION_KEYS"],
  [
    "R55",
    "a short key in SESSION_KEYS",
    { SESSION_ENCRYPT: "true", SESSION_KEYS: "a:c2hvcnQ=" },
    "SESSION_KEYS"
  ],
  [
    "R55",
    "a SESSION_ENCRYPT that is neither on nor off",
    { SESSION_ENCRYPT: "maybe" },
    "SESSION_ENCRYPT"
  ],
  ["R15", "SESSION_HTTP_ONLY=false", { SESSION_HTTP_ONLY: "false" }, "SESSION_HTTP_ONLY"],
  [
    "R14",
    "a __Host- name with a domain",
    { SESSION_COOKIE: "__Host-s", SESSION_DOMAIN: "a.example" },
    "SESSION_COOKIE"
  ],
  [
    "R16",
    "SameSite=None without Secure",
    { SESSION_SAME_SITE: "none", SESSION_SECURE_COOKIE: "false" },
    "SESSION_SAME_SITE"
  ]
]

describe("the environment's layer refuses, and names the variable,", () => {
  for (const [id, what, variables, field] of environments) {
    it(`${id} ${what}`, async () => {
      const provider = ConfigProvider.fromMap(new Map(Object.entries(variables)))
      const layer = Layer.provide(SessionConfig.layerEnv, Layer.setConfigProvider(provider))
      const error = await Effect.runPromise(Effect.scoped(Effect.flip(Layer.build(layer))))

      expect(error.field).toBe(field)
      for (const value of Object.values(variables).filter(({ length }) => length > 5)) {
        expect(String(error)).not.toContain(value)
      }
    })
  }
})
