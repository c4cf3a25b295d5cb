/**
 * Form input without the fields that must not be kept: passwords, tokens and the like, recognised by their names.
 */
import { isList, isObject, type Json } from "./json.js"

/** Parts that no harmless name contains, however its words are joined. */
const anywhere = /passw(?:or)?d|passphrase|passcode|pwd|csrf|xsrf|cvv|cvc/

/** Words that count only by themselves, as they are part of harmless ones: `compass`, `secretary`, `spinning`. */
const words = new RegExp(
  `\\b(?:${[
    "(?:user|login|my|old|new|current|confirm)?pass",
    "(?:[a-z]+)?tokens?",
    "(?:[a-z]+)?secrets?",
    "(?:secret|api|access|private|encryption) ?keys?",
    "(?:otp|totp|pin|ssn|authorization|credentials?)",
    "(?:card|creditcard|cc)s? ?(?:number|num|no)",
    "security ?code",
    "social security(?: number)?"
  ].join("|")})\\b`
)

/** A name in lower-case words: `newPassword`, `new-password` and `user[new_password]` end the same. */
const spaced = (name: string): string =>
  name
    .replace(/([a-z\d])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, "$1$2 ")
    .replace(/[^A-Za-z]+/g, " ")
    .toLowerCase()

/** True when a field is named like a password, a token, or the number or code of a card. */
export const isSecretName = (name: string): boolean => {
  const text = spaced(name)
  return anywhere.test(text.replaceAll(" ", "")) || words.test(text)
}

/**
 * A copy of form input without fields of secret names, at any depth. The names around a field count as well: `number`
 * inside `card` is as secret as `card[number]`.
 */
export const withoutSecrets = (value: Json, around = ""): Json => {
  if (isList(value)) return value.map((item) => withoutSecrets(item, around))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, inner]) => [name, inner, `${around}.${name}`] as const)
      .filter(([, , whole]) => !isSecretName(whole))
      .map(([name, inner, whole]) => [name, withoutSecrets(inner, whole)])
  )
}
