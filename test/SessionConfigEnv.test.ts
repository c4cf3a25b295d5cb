import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigError from "effect/ConfigError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as SessionConfig from "../src/SessionConfig.js"

const keyText = Buffer.alloc(32, 7).toString("base64")
const key = Redacted.make(keyText)

const provided = Effect.provide(SessionConfig.SessionConfig, SessionConfig.layerEnv)

const fromMap = (variables: Record<string, string>, options?: { readonly pathDelim: string }) =>
  Effect.withConfigProvider(
    provided,
    ConfigProvider.fromMap(new Map(Object.entries(variables)), options)
  )

const envRefusal = (variables: Record<string, string>) => Effect.flip(fromMap(variables))

describe("layerEnv", () => {
  it.effect("keeps every default where no variable is set", () =>
    Effect.gen(function* () {
      const defaults = yield* SessionConfig.SessionConfig

      expect(yield* fromMap({})).toEqual(defaults)
    })
  )

  const all = {
    SESSION_LIFETIME: "30",
    SESSION_EXPIRE_ON_CLOSE: "true",
    SESSION_ENCRYPT: "true",
    SESSION_KEYS: `new:${keyText}, old:${keyText}`,
    SESSION_LOTTERY: "2,100",
    SESSION_COOKIE: "app_session",
    SESSION_PATH: "/app",
    SESSION_DOMAIN: "example.com",
    SESSION_SECURE_COOKIE: "true",
    SESSION_HTTP_ONLY: "true",
    SESSION_SAME_SITE: "Strict"
  }
  const expected = {
    idleTimeout: Duration.minutes(30),
    expireOnClose: true,
    encrypt: {
      keys: [
        { id: "new", key },
        { id: "old", key }
      ]
    },
    lottery: [2, 100],
    cookie: {
      name: "app_session",
      secure: true,
      httpOnly: true,
      sameSite: "strict",
      path: "/app",
      domain: "example.com"
    }
  }

  it.effect("reads every variable from a map", () =>
    Effect.gen(function* () {
      expect(yield* fromMap(all)).toMatchObject(expected)
    })
  )

  it.effect("reads every variable where the provider splits names at underscores", () =>
    Effect.gen(function* () {
      expect(yield* fromMap(all, { pathDelim: "_" })).toMatchObject(expected)
    })
  )

  it.effect("reads every variable from the environment of the process", () =>
    Effect.gen(function* () {
      const settings = yield* Effect.acquireUseRelease(
        Effect.sync(() => Object.assign(process.env, all)),
        () => provided,
        () =>
          Effect.sync(() => {
            for (const name of Object.keys(all)) delete process.env[name]
          })
      )

      expect(settings).toMatchObject(expected)
    })
  )

  it.effect("takes an empty variable, and one that says null, for one that is not set", () =>
    Effect.gen(function* () {
      const defaults = yield* SessionConfig.SessionConfig
      const names = Object.keys(all)

      const settings = yield* fromMap(
        Object.fromEntries(names.map((name, index) => [name, ["", " ", "null"][index % 3] ?? ""]))
      )

      expect(settings).toEqual(defaults)
    })
  )

  it.effect("does not read the variables of the store", () =>
    Effect.gen(function* () {
      const settings = yield* fromMap({ SESSION_DRIVER: "bogus", SESSION_TABLE: ";" })

      expect(settings.namespace).toBe("session")
    })
  )

  it.effect("reads parts of minutes", () =>
    Effect.gen(function* () {
      const settings = yield* fromMap({ SESSION_LIFETIME: "0.5" })

      expect(settings.idleTimeout).toEqual(Duration.seconds(30))
    })
  )

  it.effect("reads a lottery in brackets", () =>
    Effect.gen(function* () {
      const settings = yield* fromMap({ SESSION_LOTTERY: "[1, 50]" })

      expect(settings.lottery).toEqual([1, 50])
    })
  )

  for (const word of ["false", "0", "no", "off", "FALSE"]) {
    it.effect(`understands ${word} as false`, () =>
      Effect.gen(function* () {
        const settings = yield* fromMap({ SESSION_SECURE_COOKIE: word })

        expect(settings.cookie.secure).toBe(false)
      })
    )
  }

  it.effect("leaves keys alone while encryption is off", () =>
    Effect.gen(function* () {
      const settings = yield* fromMap({ SESSION_KEYS: `a:${keyText}`, SESSION_ENCRYPT: "false" })

      expect(settings.encrypt).toBeUndefined()
    })
  )

  const names: ReadonlyArray<readonly [string, Record<string, string>, string]> = [
    ["session without Secure", { SESSION_SECURE_COOKIE: "false" }, "session"],
    ["__Secure-session with a domain", { SESSION_DOMAIN: "example.com" }, "__Secure-session"],
    ["__Secure-session with a path", { SESSION_PATH: "/app" }, "__Secure-session"],
    ["__Host-session with a path of /", { SESSION_PATH: "/" }, "__Host-session"]
  ]
  for (const [what, variables, name] of names) {
    it.effect(`names the cookie ${what} where SESSION_COOKIE is not set`, () =>
      Effect.gen(function* () {
        const settings = yield* fromMap(variables)

        expect(settings.cookie.name).toBe(name)
      })
    )
  }
})

describe("layerEnv refuses", () => {
  const minutes = "must be a number of minutes greater than 0."
  const on = { SESSION_ENCRYPT: "true" }
  const cases: ReadonlyArray<readonly [string, Record<string, string>, string, string]> = [
    ["a lifetime of words", { SESSION_LIFETIME: "2 hours" }, "SESSION_LIFETIME", minutes],
    ["a lifetime of 0", { SESSION_LIFETIME: "0" }, "SESSION_LIFETIME", minutes],
    ["a negative lifetime", { SESSION_LIFETIME: "-5" }, "SESSION_LIFETIME", minutes],
    ["an endless lifetime", { SESSION_LIFETIME: "Infinity" }, "SESSION_LIFETIME", minutes],
    [
      "a lifetime under a second",
      { SESSION_LIFETIME: "0.001" },
      "SESSION_LIFETIME",
      "must be a duration from 1 second to 100 years."
    ],
    [
      "a flag of another word",
      { SESSION_EXPIRE_ON_CLOSE: "maybe" },
      "SESSION_EXPIRE_ON_CLOSE",
      "must be true or false."
    ],
    [
      "a cookie for scripts",
      { SESSION_HTTP_ONLY: "false" },
      "SESSION_HTTP_ONLY",
      "is always true: scripts never need the cookie."
    ],
    [
      "encryption without keys",
      on,
      "SESSION_KEYS",
      "must name a key, as id:base64, when SESSION_ENCRYPT is on."
    ],
    [
      "a key without an id",
      { ...on, SESSION_KEYS: keyText },
      "SESSION_KEYS",
      "must have key ids of 1 to 32 letters, digits, hyphens or underscores."
    ],
    [
      "two keys of one id",
      { ...on, SESSION_KEYS: `a:${keyText},a:${keyText}` },
      "SESSION_KEYS",
      "must give each key an id of its own."
    ],
    [
      "a lottery of words",
      { SESSION_LOTTERY: "two of hundred" },
      "SESSION_LOTTERY",
      "must be two whole numbers, such as 2,100."
    ],
    [
      "a lottery nobody wins",
      { SESSION_LOTTERY: "0,100" },
      "SESSION_LOTTERY",
      "must be two whole numbers, such as [2, 100], the first from 1 to the second."
    ],
    [
      "an unknown SameSite",
      { SESSION_SAME_SITE: "loose" },
      "SESSION_SAME_SITE",
      'must be "lax", "strict" or "none".'
    ],
    [
      "a prefixed name without Secure, in terms of the variables",
      { SESSION_COOKIE: "__Host-app", SESSION_SECURE_COOKIE: "false" },
      "SESSION_COOKIE",
      'must not start with "__Host-" while SESSION_SECURE_COOKIE is false: ' +
        'choose a name without that prefix, such as "session".'
    ],
    [
      "a prefixed name with a domain, in terms of the variables",
      { SESSION_COOKIE: "__Host-app", SESSION_DOMAIN: "example.com" },
      "SESSION_COOKIE",
      'must not start with "__Host-" while SESSION_DOMAIN is set: ' +
        'choose a name without that prefix, such as "__Secure-session".'
    ]
  ]

  for (const [what, variables, field, reason] of cases) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const error = yield* envRefusal(variables)

        expect({ field: error.field, reason: error.reason }).toEqual({ field, reason })
      })
    )
  }

  for (const [variable, value] of [
    ["SESSION_PATH", "app"],
    ["SESSION_DOMAIN", "no domain"],
    ["SESSION_COOKIE", "a b"]
  ] as const) {
    it.effect(`an unsound ${variable} by that name`, () =>
      Effect.gen(function* () {
        const error = yield* envRefusal({ [variable]: value })

        expect(error.field).toBe(variable)
      })
    )
  }

  it.effect("a bad key without telling it", () =>
    Effect.gen(function* () {
      const error = yield* envRefusal({ SESSION_ENCRYPT: "true", SESSION_KEYS: "a:c2VjcmV0" })

      expect(error.field).toBe("SESSION_KEYS")
      expect(`${error} ${JSON.stringify(error)}`).not.toContain("c2VjcmV0")
    })
  )

  it.effect("to fall back to a default where the provider fails", () =>
    Effect.gen(function* () {
      const failing = ConfigProvider.make({
        load: () => Effect.fail(ConfigError.SourceUnavailable(["vault"], "a secret", Cause.empty)),
        flattened: ConfigProvider.fromMap(new Map()).flattened
      })

      const error = yield* Effect.flip(Effect.withConfigProvider(provided, failing))

      expect(error.message).toBe("The session setting SESSION_LIFETIME cannot be read as one text.")
    })
  )
})

describe("layerEnvWith", () => {
  const both = (options: SessionConfig.Options, variables: Record<string, string>) =>
    SessionConfig.SessionConfig.pipe(
      Effect.provide(SessionConfig.layerEnvWith(options)),
      Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables))))
    )

  it.effect("takes the settings in code where no variable is set", () =>
    Effect.gen(function* () {
      const options = { trustedProxies: 1, cookie: { sameSite: "strict" } } as const

      expect(yield* both(options, {})).toEqual(yield* SessionConfig.make(options))
    })
  )

  it.effect("lets a variable win, and keeps the rest of the cookie", () =>
    Effect.gen(function* () {
      const settings = yield* both(
        { idleTimeout: "1 hour", trustedProxies: 1, cookie: { name: "a", sameSite: "strict" } },
        { SESSION_LIFETIME: "30", SESSION_COOKIE: "b" }
      )

      expect(settings).toMatchObject({
        idleTimeout: Duration.minutes(30),
        trustedProxies: 1,
        cookie: { name: "b", sameSite: "strict" }
      })
    })
  )

  const wrong: ReadonlyArray<
    readonly [string, SessionConfig.Options, Record<string, string>, string]
  > = [
    [
      "names the setting where the code is wrong",
      { idleTimeout: 0 },
      { SESSION_LIFETIME: "30" },
      "idleTimeout must be a duration from 1 second to 100 years."
    ],
    [
      "names the variable where only both together are wrong",
      { cookie: { name: "__Host-shop" } },
      { SESSION_SECURE_COOKIE: "false" },
      'SESSION_COOKIE must not start with "__Host-" while SESSION_SECURE_COOKIE is false: ' +
        'choose a name without that prefix, such as "session".'
    ]
  ]
  for (const [what, options, variables, sentence] of wrong) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const { field, reason } = yield* Effect.flip(both(options, variables))

        expect(`${field} ${reason}`).toBe(sentence)
      })
    )
  }
})
