/** The accounts of the demo: one JSON file with a scrypt hash for each user. */
import { randomBytes, randomUUID, type ScryptOptions, scrypt, timingSafeEqual } from "node:crypto"
import * as FileSystem from "@effect/platform/FileSystem"
import * as Path from "@effect/platform/Path"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const User = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  salt: Schema.String,
  hash: Schema.String
})

/** An account. The session keeps only its `id`, and neither the name nor the password. */
export type User = typeof User.Type

const File = Schema.parseJson(Schema.Array(User), { space: 2 })

/** A refused registration, with a sentence for the form. */
export class Refused {
  readonly _tag = "Refused"
  constructor(readonly reason: string) {}
}

/** The operations on accounts that the routes use. */
export interface Service {
  readonly find: (id: string) => Option.Option<User>
  readonly isEmpty: () => boolean
  /** The first account is the administrator's. */
  readonly isAdmin: (user: User) => boolean
  readonly register: (name: string, password: string) => Effect.Effect<User, Refused>
  /** Finds the user with this name and password. An unknown name and a wrong password both find nobody. */
  readonly verify: (name: string, password: string) => Effect.Effect<Option.Option<User>>
}

/** The accounts. */
export class Users extends Context.Tag("demo/Users")<Users, Service>() {}

/** Provides the accounts in a file. The first registration creates it. */
export const layer = (file: string) => Layer.effect(Users, make(file))

const make = (file: string) =>
  Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* Path.Path
    const one = yield* Effect.makeSemaphore(1)
    let users: ReadonlyArray<User> = (yield* fs.exists(file))
      ? yield* Effect.flatMap(fs.readFileString(file), Schema.decode(File))
      : []
    const named = (name: string) => users.find((user) => sameName(user.name, name))

    // Write a new file and rename it, so that a kill in the middle leaves the old file or the new one.
    const save = (next: ReadonlyArray<User>) =>
      Effect.gen(function* () {
        yield* fs.makeDirectory(path.dirname(file), { recursive: true })
        yield* fs.writeFileString(`${file}.new`, yield* Schema.encode(File)(next), { mode: 0o600 })
        yield* fs.rename(`${file}.new`, file)
        users = next
      }).pipe(Effect.orDie)

    const register = (name: string, password: string) =>
      Effect.gen(function* () {
        const reason = problem(name, password)
        if (reason !== undefined) return yield* Effect.fail(new Refused(reason))
        const salt = randomBytes(16).toString("base64")
        const hash = (yield* hashed(password, salt)).toString("base64")
        if (named(name) !== undefined) {
          return yield* Effect.fail(new Refused("That name is taken. Please choose another one."))
        }
        const user: User = { id: randomUUID(), name, salt, hash }
        yield* save([...users, user])
        return user
      })

    const verify = (name: string, password: string) =>
      Effect.gen(function* () {
        const user = named(name)
        // Hash for an unknown name too, so that the response time does not reveal which names exist.
        const actual = yield* hashed(password.slice(0, 200), user?.salt ?? "nobody")
        const expected = user === undefined ? undefined : Buffer.from(user.hash, "base64")
        return expected?.length === actual.length && timingSafeEqual(actual, expected)
          ? Option.fromNullable(user)
          : Option.none()
      })

    const service: Service = {
      find: (id) => Option.fromNullable(users.find((user) => user.id === id)),
      isEmpty: () => users.length === 0,
      isAdmin: ({ id }) => users[0]?.id === id,
      // One registration at a time, so that two requests cannot both find a name free.
      register: (name, password) => one.withPermits(1)(register(name, password)),
      verify
    }
    return service
  })

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase()

const problem = (name: string, password: string): string | undefined => {
  if (!/^[\p{L}\p{N}][\p{L}\p{N} ._-]{1,29}$/u.test(name)) {
    return "A name needs 2 to 30 letters, digits, spaces, dots, dashes or underscores."
  }
  return password.length < 8 || password.length > 200
    ? "A password needs 8 to 200 characters."
    : undefined
}

const cost: ScryptOptions = { N: 16_384, r: 8, p: 5, maxmem: 64 * 1024 * 1024 }

const hashed = (password: string, salt: string): Effect.Effect<Buffer> =>
  Effect.async((resume) => {
    scrypt(password.normalize("NFC"), salt, 32, cost, (error, key) => {
      resume(error === null ? Effect.succeed(key) : Effect.die(error))
    })
  })
