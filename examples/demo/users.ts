/** The accounts of the demo: a JSON file of names and scrypt hashes, kept beside the sessions. */

import { randomBytes, scrypt, timingSafeEqual } from "node:crypto"
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"

interface Account {
  readonly salt: string
  readonly hash: string
}

/** Keeps the accounts of one directory. */
export interface Users {
  /** Adds an account; `false` when the name is taken. */
  readonly register: (name: string, password: string) => Effect.Effect<boolean>
  /** Whether name and password belong together; takes as long for a name that does not exist. */
  readonly check: (name: string, password: string) => Effect.Effect<boolean>
}

const hashOf = (password: string, salt: string): Effect.Effect<string> =>
  Effect.async((resume) => {
    scrypt(password, salt, 32, (error, key) =>
      resume(error === null ? Effect.succeed(key.toString("hex")) : Effect.die(error))
    )
  })

/** Opens the accounts in `directory`. */
export const openUsers = (directory: string): Users => {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, "users.json")
  const accounts = new Map<string, Account>(read(file))
  return {
    register: (name, password) =>
      Effect.gen(function* () {
        const salt = randomBytes(16).toString("hex")
        const hash = yield* hashOf(password, salt)
        if (accounts.has(name)) return false
        accounts.set(name, { salt, hash })
        writeFileSync(`${file}.new`, JSON.stringify([...accounts]), { mode: 0o600 })
        renameSync(`${file}.new`, file)
        return true
      }),
    check: (name, password) => {
      const account = accounts.get(name) ?? { salt: "none", hash: "0".repeat(64) }
      return Effect.map(hashOf(password, account.salt), (hash) =>
        timingSafeEqual(Buffer.from(hash), Buffer.from(account.hash))
      )
    }
  }
}

const read = (file: string): ReadonlyArray<[string, Account]> => {
  try {
    return JSON.parse(readFileSync(file, "utf8"))
  } catch {
    return []
  }
}
