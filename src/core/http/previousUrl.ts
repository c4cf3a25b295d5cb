/**
 * The previous URL: a place on this site to send the user back to.
 *
 * It ends up in a `Location` header or a link, so it is always a path of this origin. A URL that could lead elsewhere,
 * split a header, or carry a secret into the store is refused, not repaired.
 */

const MAX_LENGTH = 2048
// Resolving a path against a host that nobody has shows whether it stays a path.
const NOWHERE = "http://previous.invalid"

/**
 * Reduces a URL to its path and query, or gives `undefined` when it may not be kept.
 *
 * Takes a path, or an absolute http(s) URL whose origin is `origin`. The result is ASCII and starts with one slash; given
 * again, it stays as it is. The fragment is dropped.
 *
 * Refused are other origins, paths that browsers read as another host (`//host`, `/\host`), control characters (also
 * percent-encoded), more than 2048 characters, and parameters whose name sounds like a secret.
 */
export const cleanPreviousUrl = (url: string, origin?: string): string | undefined => {
  if (url.length > MAX_LENGTH || hasForbidden(url)) return undefined
  const parsed = url.startsWith("/") ? parse(url, NOWHERE) : parse(url)
  if (parsed === undefined || parsed.username !== "" || parsed.password !== "") return undefined
  if (!url.startsWith("/") && !isOwn(url, parsed, origin)) return undefined
  if (url.startsWith("/") && parsed.origin !== NOWHERE) return undefined
  const result = parsed.pathname + parsed.search
  const isSafe = result.length <= MAX_LENGTH && !leadsElsewhere(result) && !hasSecret(parsed)
  return isSafe ? result : undefined
}

/** The path and query of a request's own URL, which a web handler gives with scheme and host. */
export const requestTarget = (url: string): string =>
  url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, "")

const parse = (url: string, base?: string): URL | undefined => {
  try {
    return new URL(url, base)
  } catch {
    return undefined
  }
}

// "https:host" and "https:/host" parse as well, but only an attacker writes them.
const isOwn = (url: string, parsed: URL, origin: string | undefined): boolean =>
  origin !== undefined && /^https?:\/\/[^/]/i.test(url) && parsed.origin === parse(origin)?.origin

/** Control characters, plain or percent-encoded, and backslashes, which browsers read as slashes. */
const hasForbidden = (url: string): boolean =>
  /[\p{Cc}\\]/u.test(url) || /%(?:[01][0-9a-f]|7f)/i.test(url)

/** A second slash at the start makes the first part a host; so does an encoded one once it is decoded. */
const leadsElsewhere = (path: string): boolean => /^\/(?:[/\\]|%2f|%5c)/i.test(path)

/** True when a query parameter, or a path parameter such as `;jsessionid=`, has the name of a secret. */
const hasSecret = ({ pathname, search }: URL): boolean => {
  if (/;[^/=]*sess[^/=]*=/i.test(pathname)) return true
  for (const name of new URLSearchParams(search.replaceAll(";", "&")).keys()) {
    const word = name.toLowerCase().replace(/[^a-z0-9]/g, "")
    if (SECRET_WORDS.has(word) || SECRET_ENDS.test(word)) return true
  }
  return false
}

/** Names without case and punctuation: `user[password]` is `userpassword`, `X-Amz-Signature` is `xamzsignature`. */
const SECRET_ENDS =
  /(?:token|password|passwd|passphrase|secret|signature|credential|credentials|apikey|sessionid|sessid)$/

const SECRET_WORDS: ReadonlySet<string> = new Set([
  "assertion",
  "auth",
  "authorization",
  "bearer",
  "code",
  "csrf",
  "jwt",
  "key",
  "nonce",
  "otp",
  "pass",
  "pin",
  "pwd",
  "samlresponse",
  "session",
  "sid",
  "sig",
  "ticket",
  "xsrf"
])
