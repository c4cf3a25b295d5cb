/** The settings as types, and their defaults. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"

/**
 * The settings, checked and complete.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** A session ends this long after its last activity. At least a second. Default 120 minutes. */
  readonly idleTimeout: Duration.Duration
  /** A session ends this long after its login (a guest's: its creation). Default 24 hours, at least `idleTimeout`. */
  readonly absoluteTimeout: Duration.Duration
  /** The cookie ends with the browser. Default false. */
  readonly expireOnClose: boolean
  readonly cookie: {
    /** Default `__Host-session`. */
    readonly name: string
    /** Default true. */
    readonly secure: boolean
    /** Always true. */
    readonly httpOnly: true
    /** Default `lax`. */
    readonly sameSite: "lax" | "strict" | "none"
    /** Default `/`. */
    readonly path: string
    /** Default none: the host that set the cookie, and no other. */
    readonly domain: string | undefined
  }
  /** A request that changed nothing writes at most once in this time. Default 1 minute, at most idle timeout / 20. */
  readonly touchInterval: Duration.Duration
  /** How long the old id of `Session.migrate` still works. Default 30 seconds. */
  readonly rotationGrace: Duration.Duration
  /** How long requests with an id retired by `login` or `regenerate` are kept from beginning a session. Default 5 seconds. */
  readonly quarantine: Duration.Duration
  /** From 1024 to 16777216. Default 65536. */
  readonly maxPayloadBytes: number
  /** Seals payloads with AES-256-GCM; the first key writes, all read. Default off. */
  readonly encrypt: Encryption | undefined
  /** Part of the id's hash and of the row, so that two middlewares on one store stay apart. 1 to 64 ASCII characters. Default `session`. */
  readonly namespace: string
  /**
   * Whose X-Forwarded-For is believed: addresses and CIDR ranges, or how many proxies stand before the server, the one
   * that calls it being the first. Where the peer's address is unknown (a Unix socket, a web handler) only a number
   * works. Default none.
   */
  readonly trustedProxies: ReadonlyArray<string> | number
  /** `[2, 100]` collects garbage after 2 of 100 requests. Default off. */
  readonly lottery: readonly [number, number] | undefined
  /** What a payload that cannot be read does: `discard` starts empty, `fail` answers 503 and keeps the row. Default `discard`. */
  readonly onInvalidPayload: "discard" | "fail"
  /**
   * How many sessions a user may have, checked at login. Logins of one user take turns then, over all processes: but for the
   * memory store, three more store calls each. Default unlimited.
   */
  readonly maxSessionsPerUser: SessionLimit | undefined
}

/**
 * Keys for sealing payloads: `key` is the base64 text of 32 random bytes, `id` 1 to 32 of `[A-Za-z0-9_-]`.
 *
 * @since 0.1.0
 * @category models
 */
export interface Encryption {
  readonly keys: NonEmptyReadonlyArray<{
    readonly id: string
    readonly key: Redacted.Redacted<string>
  }>
}

/**
 * The bound on a user's parallel sessions, and what a login beyond it does.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionLimit {
  readonly max: number
  readonly onLimit: "evictOldest" | "reject"
}

/**
 * What `layer` takes: any part of the settings. Durations come in any form Effect reads, are longer than nothing, at most
 * 100 years, and cut to whole milliseconds; a `touchInterval` over a twentieth of the idle timeout is cut to that.
 *
 * @since 0.1.0
 * @category models
 */
export type Options = {
  readonly [K in Exclude<keyof Settings, "cookie" | DurationField>]?: Settings[K] | undefined
} & { readonly [K in DurationField]?: Duration.DurationInput | undefined } & {
  readonly cookie?:
    | { readonly [K in keyof Settings["cookie"]]?: Settings["cookie"][K] | undefined }
    | undefined
}

/** The settings that are durations. */
export type DurationField =
  | "idleTimeout"
  | "absoluteTimeout"
  | "touchInterval"
  | "rotationGrace"
  | "quarantine"

/** The settings where nothing else is said. */
export const defaults: Settings = {
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
}
