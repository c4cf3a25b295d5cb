import { describe, expect, it } from "@effect/vitest"
import { isSecretName, withoutSecrets } from "../../src/core/session/secretFields.js"

describe("isSecretName", () => {
  it.each([
    "password",
    "Password",
    "PASSWORD",
    "passwd",
    "pass",
    "pass1",
    "user_pass",
    "userpass",
    "passphrase",
    "passcode",
    "pwd",
    "new-pwd",
    "password2",
    "passwordConfirmation",
    "password_confirmation",
    "new_password_confirmation",
    "newPasswordRepeat",
    "confirmpassword",
    "currentPassword",
    "current_password",
    "newPassword",
    "user[password]",
    "user.password",
    "pass_word",
    "_token",
    "token",
    "accessToken",
    "refresh_token",
    "id_token",
    "csrfmiddlewaretoken",
    "csrf",
    "_csrf",
    "XSRF-TOKEN",
    "authenticity_token",
    "__RequestVerificationToken",
    "g-recaptcha-token",
    "tokenValue",
    "tokens",
    "secret",
    "client_secret",
    "clientSecret",
    "secretKey",
    "secretkey",
    "apiKey",
    "api_key",
    "APIKey",
    "apikey",
    "privateKey",
    "access_key",
    "authorization",
    "credentials",
    "otp",
    "otpCode",
    "totp",
    "pin",
    "pinCode",
    "cvv",
    "cvv2",
    "cvc",
    "card_cvc",
    "cardNumber",
    "card-number",
    "cardnumber",
    "cc-number",
    "creditCardNumber",
    "credit_card_no",
    "securityCode",
    "ssn",
    "social_security_number"
  ])("is true for %s", (name) => {
    expect(isSecretName(name)).toBe(true)
  })

  it.each([
    "passenger",
    "passengers",
    "passengerName",
    "compass",
    "bypass",
    "passport",
    "passage",
    "passive",
    "secretary",
    "secretariat",
    "tokenize",
    "tokenizer",
    "shipping",
    "spinner",
    "pincode",
    "opinion",
    "postcode",
    "zip_code",
    "cardholder",
    "card_type",
    "phone_number",
    "key",
    "keyword",
    "author",
    "authorName",
    "name",
    "email",
    "username",
    "session",
    "lesson",
    ""
  ])("is false for %s", (name) => {
    expect(isSecretName(name)).toBe(false)
  })
})

describe("withoutSecrets", () => {
  it("leaves fields of such names out of objects and lists, at any depth", () => {
    const input = {
      name: "Ann",
      password: "a",
      cards: [{ holder: "Ann", cvv: "1" }],
      login: { email: "e", tokens: { a: 1 } }
    }

    expect(withoutSecrets(input)).toStrictEqual({
      name: "Ann",
      cards: [{ holder: "Ann" }],
      login: { email: "e" }
    })
  })

  it.each([null, 1, "password", ["token", true]])(
    "keeps the value %j, whatever it says",
    (value) => {
      expect(withoutSecrets(value)).toStrictEqual(value)
    }
  )
})
