/** The settings as types, and their defaults. */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Duration from "effect/Duration"
import type * as Redacted from "effect/Redacted"

/**
 * All settings, checked and complete.
 *
 * @since 0.1.0
 * @category models
 */
export interface Settings {
  /** A session ends this long after its last activity. At least a second. Default 120 minutes. */
  readonly idleTimeout: Duration.Duration
  /** A session ends this long after its login, or its creation for a guest. Default 24 hours, at least `idleTimeout`. */
  readonly absoluteTimeout: Duration.Duration
  /** Whether the cookie ends with the browser. Default false. */
  readonly expireOnClose: boolean
  readonly cookie: {
    /**
     * Default `__Host-session`, which browsers accept only without a domain and with the path `/`; with another of either
     * `__Secure-session`, and `session` where `secure` is false.
     */
    readonly name: string
    /**
     * Whether browsers send the cookie over HTTPS only. Default true; set false for an app that is served by HTTP alone, such
     * as a test. Most browsers take a secure cookie from `http://localhost` too; Safari does not.
     */
    readonly secure: boolean
    /** Always true: scripts of a page cannot read the cookie. */
    readonly httpOnly: true
    /**
     * Whether requests that another site has caused carry the cookie. Default `lax`: only where somebody follows a link to the
     * app. `strict`: none, so whoever comes by a link is a guest on that page. `none`: all of them, for an app inside of a
     * frame of another site; it needs `secure`.
     */
    readonly sameSite: "lax" | "strict" | "none"
    /**
     * Default `/`. Change `name` with it, as for `domain`.
     */
    readonly path: string
    /**
     * Default undefined: browsers send the cookie to the host that set it and to no other.
     *
     * Change `name` whenever you change this in production. A browser keeps the cookie of the old domain beside the new one
     * and sends both; two cookies of one name are no session, as nobody can tell which is the server's own. Its user would
     * be a guest until the old one expires. Under a new name, everybody logs in once more.
     */
    readonly domain: string | undefined
  }
  /** Requests that change nothing write at most once in this time. Default 1 minute, at most `idleTimeout` / 20. */
  readonly touchInterval: Duration.Duration
  /** How long the old id still works after `Session.migrate`. Default 30 seconds. */
  readonly rotationGrace: Duration.Duration
  /**
   * How long a request with an id that `login` or `regenerate` retired sees an empty session and gets no cookie, unless it
   * logs in itself. Default 5 seconds.
   */
  readonly quarantine: Duration.Duration
  /** The largest payload, from 1024 to 16777216 bytes. Default 65536. */
  readonly maxPayloadBytes: number
  /** Encrypts payloads with AES-256-GCM: the first key writes, all keys read. Default off. */
  readonly encrypt: Encryption | undefined
  /** Keeps two middlewares on one store apart. 1 to 64 ASCII characters. Default `session`. */
  readonly namespace: string
  /**
   * Whose `X-Forwarded-For` is believed: a list of addresses and CIDR ranges, or the number of proxies in front of the
   * server. Where the peer's address is unknown (a Unix socket, a web handler), only a number works. Default: nobody's.
   */
  readonly trustedProxies: ReadonlyArray<string> | number
  /** `[2, 100]` collects garbage after 2 of 100 requests. Default off. */
  readonly lottery: readonly [number, number] | undefined
  /**
   * What happens when a payload cannot be read: `discard` goes on with an empty session, `fail` answers 503. Neither
   * removes the stored row. Default `discard`.
   */
  readonly onInvalidPayload: "discard" | "fail"
  /** How many sessions a user may have; every login checks it. Default unlimited. */
  readonly maxSessionsPerUser: SessionLimit | undefined
}

/**
 * The keys that encrypt payloads: `key` is 32 random bytes in base64, `id` is 1 to 32 characters of `[A-Za-z0-9_-]`.
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
 * How many sessions a user may have, and what a login beyond that does: `evictOldest` ends the user's oldest sessions,
 * `reject` fails the login with `SessionRefused`.
 *
 * @since 0.1.0
 * @category models
 */
export interface SessionLimit {
  readonly max: number
  readonly onLimit: "evictOldest" | "reject"
}

/**
 * What `layer` takes: any part of the settings.
 *
 * A duration is in any form Effect reads, at most 100 years, and is cut to whole milliseconds. A `touchInterval` over a
 * twentieth of the idle timeout is cut to that.
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
export const durationFields = [
  "idleTimeout",
  "absoluteTimeout",
  "touchInterval",
  "rotationGrace",
  "quarantine"
] as const

/** The name of a setting that is a duration. */
export type DurationField = (typeof durationFields)[number]

/** The name of a cookie that is given none: under the strongest prefix that browsers accept with its attributes. */
export const cookieNameFor = ({
  domain,
  path,
  secure
}: Omit<Settings["cookie"], "name">): string => {
  if (!secure) return "session"
  return domain === undefined && path === "/" ? "__Host-session" : "__Secure-session"
}

/** The default of every setting. */
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
