/** Prepares settings for the hot path: once per settings object, so that a request only looks them up. */
import * as Duration from "effect/Duration"
import * as Redacted from "effect/Redacted"
import { makeProxyMatcher, type ProxyMatcher } from "../../core/http/address.js"
import type { CookieAttributes } from "../../core/http/cookie.js"
import { type KeyEntry, type Keyring, makeKeyring } from "../../core/record/encryption.js"
import type { Encryption, Settings } from "./model.js"

/** Settings in the form a request needs: durations in milliseconds, keys derived, proxies parsed. */
export interface CompiledSettings {
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
  readonly isTrustedProxy: ProxyMatcher
}

const cache = new WeakMap<Settings, CompiledSettings>()

/** Prepares settings; the same object gives the same result. */
export const compile = (settings: Settings): CompiledSettings => {
  const known = cache.get(settings)
  if (known !== undefined) return known
  const { cookie, encrypt, maxPayloadBytes, namespace } = settings
  const proxies = makeProxyMatcher(settings.trustedProxies)
  const compiled: CompiledSettings = {
    settings,
    namespace,
    idleMillis: Duration.toMillis(settings.idleTimeout),
    absoluteMillis: Duration.toMillis(settings.absoluteTimeout),
    touchMillis: Duration.toMillis(settings.touchInterval),
    graceMillis: Duration.toMillis(settings.rotationGrace),
    quarantineMillis: Duration.toMillis(settings.quarantine),
    maxPayloadBytes,
    cookie,
    keyring: encrypt && makeKeyring(keyEntries(encrypt), namespace),
    // Settings that `SessionConfig.make` did not check may list what is no address.
    isTrustedProxy: typeof proxies === "function" ? proxies : () => false
  }
  cache.set(settings, compiled)
  return compiled
}

/** The keys as bytes. */
export const keyEntries = ({ keys }: Encryption): ReadonlyArray<KeyEntry> =>
  keys.map(({ id, key }) => ({ id, key: Buffer.from(Redacted.value(key), "base64") }))
