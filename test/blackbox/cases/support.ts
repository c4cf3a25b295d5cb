/** What several groups of cases need. */
import { expect } from "vitest"
import type { Answer, Client } from "../client.js"
import { cookieName } from "../client.js"
import type { Harness } from "../harness.js"

export const minute = 60_000
export const hour = 60 * minute
export const day = 24 * hour

/** The attributes of a `Set-Cookie` line by lower-case name; a flag is `true`. */
export const attributes = (line: string): Readonly<Record<string, string | true>> =>
  Object.fromEntries(
    line
      .split(";")
      .slice(1)
      .map((part) => {
        const [name = "", value] = part.trim().split("=", 2)
        return [name.toLowerCase(), value ?? true]
      })
  )

/** The session's `Set-Cookie` lines of an answer. */
export const sessionCookies = (answer: Answer): ReadonlyArray<string> =>
  answer.setCookies.filter((line) => line.startsWith(`${cookieName}=`))

/** The one session cookie an answer sets, as name and value. */
export const issued = (answer: Answer): string => {
  const lines = sessionCookies(answer)
  expect(lines).toHaveLength(1)
  return (lines[0] as string).split(";", 1)[0] as string
}

export const maxAge = (answer: Answer): number => {
  const lines = sessionCookies(answer)
  expect(lines).toHaveLength(1)
  return Number(attributes(lines[0] as string)["max-age"])
}

/** A client whose session holds `data`. */
export const visitor = async (
  harness: Harness,
  data: object = { a: 1 },
  app?: string
): Promise<Client> => {
  const client = harness.client(app)
  const answer = await client.ask({ steps: [["putAll", data]] })
  expect(answer.status).toBe(200)
  issuedOnce(answer)
  return client
}

const issuedOnce = (answer: Answer): void => {
  expect(answer.setCookies).toHaveLength(1)
}

/** A client that is logged in. */
export const member = async (harness: Harness, userId: string, app?: string): Promise<Client> => {
  const client = harness.client(app)
  const answer = await client.ask({ steps: [["login", userId]] })
  expect(answer.status).toBe(200)
  return client
}

export const idOf = async (client: Client): Promise<string> => String((await client.run(["id"]))[0])

/** The id of the first live session of the namespace that is this one. */
export const isStored = async (harness: Harness, id: string, node = 0): Promise<boolean> =>
  (await harness.admin("get", { id }, node)) !== null
