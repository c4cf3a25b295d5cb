/** Reads the options of `SessionConfig` from the environment. What they must be is checked as for any other options. */
import * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Str from "effect/String"
import { SessionConfigError } from "../errors/errors.js"
import type { Options } from "./model.js"
import { fail, flag, secret, text } from "./variables.js"

/** The options that the environment's variables give. */
export const environment: Effect.Effect<Options, SessionConfigError> = Effect.gen(function* () {
  return {
    idleTimeout: yield* lifetime,
    expireOnClose: yield* flag("SESSION_EXPIRE_ON_CLOSE"),
    lottery: yield* lottery,
    encrypt: yield* encrypt,
    cookie: yield* cookie
  }
})

const lifetime = Effect.flatMap(text("SESSION_LIFETIME"), (given) => {
  if (given === undefined) return Effect.succeed(undefined)
  const minutes = /^\d+(?:\.\d+)?$/.test(given) ? Number(given) : 0
  return minutes > 0
    ? Effect.succeed(Duration.minutes(minutes))
    : fail("SESSION_LIFETIME", "must be a number of minutes greater than 0.")
})

const lottery = Effect.flatMap(text("SESSION_LOTTERY"), (given) => {
  if (given === undefined) return Effect.succeed(undefined)
  const parts = /^\[?\s*(\d+)\s*,\s*(\d+)\s*\]?$/.exec(given)
  return parts === null
    ? fail("SESSION_LOTTERY", "must be two whole numbers, such as 2,100.")
    : Effect.succeed([Number(parts[1]), Number(parts[2])] as const)
})

const encrypt = Effect.gen(function* () {
  if ((yield* flag("SESSION_ENCRYPT")) !== true) return undefined
  const given = yield* secret("SESSION_KEYS")
  return given === undefined
    ? yield* fail("SESSION_KEYS", "must name a key, as id:base64, when SESSION_ENCRYPT is on.")
    : { keys: Arr.map(Str.split(Redacted.value(given), ","), keyOf) }
})

const keyOf = (entry: string) => {
  const colon = entry.indexOf(":")
  return {
    id: entry.slice(0, Math.max(colon, 0)).trim(),
    key: Redacted.make(entry.slice(colon + 1).trim())
  }
}

const cookie = Effect.gen(function* () {
  return {
    name: yield* text("SESSION_COOKIE"),
    secure: yield* flag("SESSION_SECURE_COOKIE"),
    httpOnly: yield* flag("SESSION_HTTP_ONLY"),
    sameSite: (yield* text("SESSION_SAME_SITE"))?.toLowerCase(),
    path: yield* text("SESSION_PATH"),
    domain: yield* text("SESSION_DOMAIN")
    // The check of the settings refuses another flag and another word.
  } as Options["cookie"]
})

/** Which variable sets which field. */
const variables: Readonly<Record<string, string>> = {
  idleTimeout: "SESSION_LIFETIME",
  lottery: "SESSION_LOTTERY",
  "encrypt.keys": "SESSION_KEYS",
  "cookie.name": "SESSION_COOKIE",
  "cookie.secure": "SESSION_SECURE_COOKIE",
  "cookie.httpOnly": "SESSION_HTTP_ONLY",
  "cookie.sameSite": "SESSION_SAME_SITE",
  "cookie.path": "SESSION_PATH",
  "cookie.domain": "SESSION_DOMAIN"
}

/** Names the variables instead of the fields, for a deployer who knows only those. */
export const inVariables = ({ field, reason }: SessionConfigError): SessionConfigError => {
  let translated = reason
  for (const [name, variable] of Object.entries(variables)) {
    translated = translated.replaceAll(name, variable)
  }
  return new SessionConfigError({ field: variables[field] ?? field, reason: translated })
}
