import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { compile } from "../src/internal/config/compile.js"
import * as SessionConfig from "../src/SessionConfig.js"

const key = Redacted.make(Buffer.alloc(32, 7).toString("base64"))

const fromOptions = (options: SessionConfig.Options) =>
  Effect.provide(SessionConfig.SessionConfig, SessionConfig.layer(options))

describe("SessionConfig", () => {
  it.effect("has the documented defaults where nothing is provided", () =>
    Effect.gen(function* () {
      const settings = yield* SessionConfig.SessionConfig

      expect(settings).toEqual({
        idleTimeout: Duration.minutes(120),
        absoluteTimeout: Duration.hours(24),
        expireOnClose: false,
        cookie: {
          name: "__Host-session",
          secure: true,
          httpOnly: true,
          sameSite: "lax",
          path: "/",
          domain: undefined
        },
        touchInterval: Duration.minutes(1),
        rotationGrace: Duration.seconds(30),
        quarantine: Duration.seconds(5),
        maxPayloadBytes: 65_536,
        encrypt: undefined,
        namespace: "session",
        trustedProxies: [],
        lottery: undefined,
        onInvalidPayload: "discard",
        maxSessionsPerUser: undefined
      })
    })
  )
})

describe("layer", () => {
  it.effect("keeps every default for an empty object", () =>
    Effect.gen(function* () {
      const defaults = yield* SessionConfig.SessionConfig

      expect(yield* fromOptions({})).toEqual(defaults)
    })
  )

  it.effect("takes an undefined option for one that is not given", () =>
    Effect.gen(function* () {
      const defaults = yield* SessionConfig.SessionConfig

      const settings = yield* fromOptions({
        idleTimeout: undefined,
        expireOnClose: undefined,
        cookie: { name: undefined, secure: undefined },
        namespace: undefined
      })

      expect(settings).toEqual(defaults)
    })
  )

  it.effect("provides every setting as it was given", () =>
    Effect.gen(function* () {
      const given = {
        expireOnClose: true,
        cookie: {
          name: "__Secure-app",
          secure: true,
          httpOnly: true,
          sameSite: "strict",
          path: "/app",
          domain: "example.com"
        },
        maxPayloadBytes: 4096,
        encrypt: { keys: [{ id: "new", key }] },
        namespace: "admin",
        trustedProxies: ["10.0.0.0/8", "::1"],
        lottery: [2, 100],
        onInvalidPayload: "fail",
        maxSessionsPerUser: { max: 3, onLimit: "reject" }
      } as const

      const settings = yield* fromOptions({
        ...given,
        idleTimeout: "1 hour",
        absoluteTimeout: "2 hours",
        touchInterval: "10 seconds",
        rotationGrace: "20 seconds",
        quarantine: "3 seconds"
      })

      expect(settings).toEqual({
        ...given,
        idleTimeout: Duration.hours(1),
        absoluteTimeout: Duration.hours(2),
        touchInterval: Duration.seconds(10),
        rotationGrace: Duration.seconds(20),
        quarantine: Duration.seconds(3)
      })
    })
  )

  it.effect("keeps the other cookie attributes when one is given", () =>
    Effect.gen(function* () {
      const settings = yield* fromOptions({ cookie: { sameSite: "strict" } })

      expect(settings.cookie).toMatchObject({ name: "__Host-session", secure: true, path: "/" })
    })
  )

  it.effect("raises the default absolute timeout to a longer idle timeout", () =>
    Effect.gen(function* () {
      const settings = yield* fromOptions({ idleTimeout: "3 days" })

      expect(settings.absoluteTimeout).toEqual(Duration.days(3))
    })
  )

  it.effect("keeps the default absolute timeout for a shorter idle timeout", () =>
    Effect.gen(function* () {
      const settings = yield* fromOptions({ idleTimeout: "1 hour" })

      expect(settings.absoluteTimeout).toEqual(Duration.hours(24))
    })
  )

  it.effect("lowers the default touch interval to a twentieth of a short idle timeout", () =>
    Effect.gen(function* () {
      const settings = yield* fromOptions({ idleTimeout: "10 minutes" })

      expect(settings.touchInterval).toEqual(Duration.seconds(30))
    })
  )

  it.effect("cuts a given touch interval to a twentieth of the idle timeout", () =>
    Effect.gen(function* () {
      const settings = yield* fromOptions({ idleTimeout: "20 minutes", touchInterval: "1 hour" })

      expect(settings.touchInterval).toEqual(Duration.minutes(1))
    })
  )

  it.effect("cuts durations to whole milliseconds, as stores keep integers", () =>
    Effect.gen(function* () {
      const settings = yield* fromOptions({ idleTimeout: 20_010.7, quarantine: 5_000_999_999n })

      const { idleMillis, quarantineMillis, touchMillis } = compile(settings)
      expect([idleMillis, touchMillis, quarantineMillis]).toEqual([20_010, 1000, 5000])
    })
  )

  it.effect("takes an idle timeout of longer than browsers keep cookies", () =>
    Effect.gen(function* () {
      const settings = yield* fromOptions({ idleTimeout: "500 days" })

      expect(settings.idleTimeout).toEqual(Duration.days(500))
    })
  )

  it.effect("reports a wrong setting as SessionConfigError, in one sentence with the field", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(fromOptions({ absoluteTimeout: "1 hour" }))

      expect(error).toBeInstanceOf(SessionConfig.SessionConfigError)
      expect(error.message).toBe(
        "The session setting absoluteTimeout must be at least the idle timeout."
      )
    })
  )
})

describe("layer at the bounds takes", () => {
  const cases: ReadonlyArray<readonly [string, SessionConfig.Options]> = [
    ["an idle timeout of a second", { idleTimeout: "1 second" }],
    [
      "an absolute timeout equal to the idle one",
      { idleTimeout: "1 day", absoluteTimeout: "1 day" }
    ],
    ["a payload limit of 1 KiB", { maxPayloadBytes: 1024 }],
    ["a payload limit of 16 MiB", { maxPayloadBytes: 2 ** 24 }],
    ["a namespace of 64 characters", { namespace: "a".repeat(64) }],
    ["a lottery everybody wins", { lottery: [1, 1] }],
    ["one session for a user", { maxSessionsPerUser: { max: 1, onLimit: "evictOldest" } }],
    ["an insecure cookie of another name", { cookie: { name: "session", secure: false } }],
    [
      "a second key",
      {
        encrypt: {
          keys: [
            { id: "b", key },
            { id: "a", key }
          ]
        }
      }
    ]
  ]

  for (const [what, options] of cases) {
    it.effect(what, () =>
      Effect.gen(function* () {
        const settings = yield* fromOptions(options)

        expect(compile(settings).settings).toBe(settings)
      })
    )
  }
})

describe("presets", () => {
  const cases = [
    ["aal1", SessionConfig.aal1, Duration.days(30), Duration.days(30)],
    ["aal2", SessionConfig.aal2, Duration.hours(1), Duration.hours(24)],
    ["aal3", SessionConfig.aal3, Duration.minutes(15), Duration.hours(12)]
  ] as const

  for (const [name, preset, idle, absolute] of cases) {
    it.effect(`${name} sets the timeouts of NIST SP 800-63B`, () =>
      Effect.gen(function* () {
        const settings = yield* fromOptions({ ...preset, namespace: "bank" })

        expect([settings.idleTimeout, settings.absoluteTimeout]).toEqual([idle, absolute])
      })
    )
  }
})

describe("compile", () => {
  it.effect("prepares one settings object once", () =>
    Effect.gen(function* () {
      const settings = yield* fromOptions({ encrypt: { keys: [{ id: "a", key }] } })

      expect(compile(settings)).toBe(compile(settings))
    })
  )

  it.effect("counts the durations in milliseconds", () =>
    Effect.gen(function* () {
      const compiled = compile(yield* SessionConfig.SessionConfig)

      expect(compiled).toMatchObject({
        idleMillis: 7_200_000,
        absoluteMillis: 86_400_000,
        touchMillis: 60_000,
        graceMillis: 30_000,
        quarantineMillis: 5000
      })
    })
  )

  it.effect("makes the keyring write with the first key and read with all", () =>
    Effect.gen(function* () {
      const keys = [
        { id: "new", key },
        { id: "old", key }
      ] as const

      const { keyring } = compile(yield* fromOptions({ encrypt: { keys } }))

      expect(keyring?.writing.id).toBe("new")
      expect([...(keyring?.reading.keys() ?? [])]).toEqual(["new", "old"])
    })
  )

  it.effect("has no keyring where encryption is off", () =>
    Effect.gen(function* () {
      expect(compile(yield* SessionConfig.SessionConfig).keyring).toBeUndefined()
    })
  )

  it.effect("trusts no proxy where none is listed", () =>
    Effect.gen(function* () {
      const compiled = compile(yield* SessionConfig.SessionConfig)

      expect(compiled.isTrustedProxy("127.0.0.1")).toBe(false)
    })
  )

  it.effect("trusts the listed proxies and no other", () =>
    Effect.gen(function* () {
      const compiled = compile(yield* fromOptions({ trustedProxies: ["10.0.0.0/8"] }))

      expect(["10.1.2.3", "11.1.2.3"].map((address) => compiled.isTrustedProxy(address))).toEqual([
        true,
        false
      ])
    })
  )
})

describe("the name of a cookie that is given none", () => {
  const names: ReadonlyArray<[Exclude<SessionConfig.Options["cookie"], undefined>, string]> = [
    [{}, "__Host-session"],
    [{ sameSite: "strict" }, "__Host-session"],
    [{ path: "/" }, "__Host-session"],
    [{ domain: undefined }, "__Host-session"],
    [{ name: undefined, domain: "example.com" }, "__Secure-session"],
    [{ path: "/app" }, "__Secure-session"],
    [{ secure: false }, "session"],
    [{ secure: false, domain: "example.com", path: "/app" }, "session"],
    [{ name: "sid", secure: false }, "sid"]
  ]

  it.effect.each(names)("fits %j", ([cookie, name]) =>
    Effect.map(SessionConfig.make({ cookie }), (settings) => {
      expect(settings.cookie.name).toBe(name)
    })
  )
})
