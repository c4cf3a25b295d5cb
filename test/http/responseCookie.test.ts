/** The cookie of a response is the one that the platform would make. */
import * as Cookies from "@effect/platform/Cookies"
import * as Duration from "effect/Duration"
import { expect, it } from "vitest"
import type { CookieAttributes } from "../../src/core/http/cookie.js"
import { makeToken } from "../../src/core/record/token.js"
import { responseCookie } from "../../src/internal/request/responseCookie.js"

const settings: ReadonlyArray<CookieAttributes> = [
  { name: "__Host-session", secure: true, sameSite: "lax", path: "/" },
  { name: "sid", secure: false, sameSite: "strict", path: "/app", domain: "example.com" }
]

const platform = ({ name, ...rest }: CookieAttributes, token: string, more: object) =>
  Cookies.unsafeMakeCookie(name, token, { ...rest, httpOnly: true, ...more })

const shown = (cookie: Cookies.Cookie) => [Cookies.serializeCookie(cookie), cookie.toJSON()]

for (const attributes of settings) {
  it(`holds a token, for a time or until the browser ends: ${attributes.name}`, () => {
    const { holding } = responseCookie(attributes)

    for (const seconds of [7200, 7200, 60, 7200]) {
      const token = makeToken()
      const maxAge = Duration.seconds(seconds)
      expect(shown(holding(token, seconds))).toEqual(shown(platform(attributes, token, { maxAge })))
      expect(shown(holding(token))).toEqual(shown(platform(attributes, token, {})))
    }
  })

  it(`is deleted by a cookie that is over: ${attributes.name}`, () => {
    const { deleted } = responseCookie(attributes)
    const over = { maxAge: Duration.zero, expires: new Date(0) }

    expect(shown(deleted)).toEqual(shown(platform(attributes, "", over)))
  })
}
