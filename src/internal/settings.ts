/**
 * Settings prepared for the hot path: milliseconds, cookie attributes, keys and proxies, worked out once per settings
 * object and looked up once per request.
 */
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { makeProxyMatcher } from "../core/address.js"
import type { CookieAttributes } from "../core/cookie.js"
import { type Keyring, makeKeyring } from "../core/seal.js"
import type { Settings } from "../SessionConfig.js"

/** Settings ready for use. */
export interface Compiled {
  readonly settings: Settings
  readonly namespace: string
  readonly idleMillis: number
  readonly absoluteMillis: number
  readonly touchMillis: number
  readonly graceMillis: number
  readonly quarantineMillis: number
  readonly maxPayloadBytes: number
  readonly cookie: CookieAttributes
  readonly keyring: Keyring | undefined
  readonly isTrustedProxy: ((address: string) => boolean) | undefined
}

const cache = new WeakMap<Settings, Compiled>()

/** Prepares settings, once per object. */
export const compile = (settings: Settings): Compiled => {
  const known = cache.get(settings)
  if (known !== undefined) return known
  const compiled = prepare(settings)
  cache.set(settings, compiled)
  return compiled
}

const prepare = (settings: Settings): Compiled => {
  const proxies = makeProxyMatcher(settings.trustedProxies)
  return {
    settings,
    namespace: settings.namespace,
    idleMillis: Duration.toMillis(settings.idleTimeout),
    absoluteMillis: Duration.toMillis(settings.absoluteTimeout),
    touchMillis: Duration.toMillis(settings.touchInterval),
    graceMillis: Duration.toMillis(settings.rotationGrace),
    quarantineMillis: Duration.toMillis(settings.quarantine),
    maxPayloadBytes: settings.maxPayloadBytes,
    cookie: settings.cookie,
    keyring:
      settings.encrypt === undefined
        ? undefined
        : makeKeyring(
            settings.encrypt.keys.map(({ id, key }) => ({
              id,
              key: new Uint8Array(Buffer.from(Redacted.value(key), "base64"))
            })),
            settings.namespace
          ),
    isTrustedProxy:
      settings.trustedProxies.length === 0 || typeof proxies !== "function" ? undefined : proxies
  }
}
