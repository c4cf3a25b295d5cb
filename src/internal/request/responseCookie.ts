/** The session's cookie, as a response carries it. */
import { type Cookie, unsafeMakeCookie } from "@effect/platform/Cookies"
import * as Duration from "effect/Duration"
import type { CookieAttributes } from "../../core/http/cookie.js"

/** Makes the cookies of one configuration. */
export interface ResponseCookie {
  /** The cookie with a token, for so many seconds; without a number until the browser ends. */
  readonly holding: (token: string, seconds?: number) => Cookie
  /** What makes the client delete it. */
  readonly deleted: Cookie
}

const known = new WeakMap<CookieAttributes, ResponseCookie>()

/** The cookies of these settings, made ready once. */
export const cookiesOf = (attributes: CookieAttributes): ResponseCookie => {
  const made = known.get(attributes) ?? responseCookie(attributes)
  known.set(attributes, made)
  return made
}

/**
 * Makes the cookies of checked settings. The platform's own way checks name and attributes for each response anew; here
 * that is done once, and a token is base64url, which needs neither check nor encoding.
 */
export const responseCookie = (attributes: CookieAttributes): ResponseCookie => {
  const { domain, name, path, sameSite, secure } = attributes
  const options = {
    path,
    sameSite,
    secure,
    httpOnly: true,
    ...(domain === undefined ? {} : { domain })
  }
  const checked = unsafeMakeCookie(name, "", options)
  const prototype = Object.getPrototypeOf(checked)
  const lasting = (seconds: number) => ({
    seconds,
    options: { ...options, maxAge: Duration.seconds(seconds) }
  })
  // Most cookies last as long as the one before.
  let last = lasting(0)
  const optionsFor = (seconds: number) => {
    if (last.seconds !== seconds) last = lasting(seconds)
    return last.options
  }
  return {
    holding: (token, seconds) =>
      Object.assign(Object.create(prototype), checked, {
        value: token,
        valueEncoded: token,
        options: seconds === undefined ? options : optionsFor(seconds)
      }),
    deleted: unsafeMakeCookie(name, "", {
      ...options,
      maxAge: Duration.zero,
      expires: new Date(0)
    })
  }
}
