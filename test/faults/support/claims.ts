/** What is claimed of a server on every store that can be killed or cut off. */
import { expect } from "vitest"
import { eventually, pause } from "../../support/process.js"
import { startLoad } from "./load.js"
import type { startProxy } from "./proxy.js"
import { type Answer, type Client, counted, type FaultServer, refused } from "./server.js"

/** Begins the session of a client. */
export const visited = async (client: Client): Promise<Client> => {
  expect(await client.send("/increment")).toMatchObject(counted(1))
  return client
}

/** Increments until the answer is 200. */
export const recovered = (client: Client): Promise<Answer> =>
  eventually(async () => {
    const answer = await client.send("/increment")
    if (answer.status !== 200) throw new Error(`The answer is still ${answer.status}.`)
    return answer
  })

/** X14: what the store runs on is killed under load, and comes back. */
export const losesNothingWhenKilled = async (
  server: FaultServer,
  killed: { readonly stopNow: () => Promise<void>; readonly start: () => Promise<void> }
): Promise<void> => {
  const load = startLoad(Array.from({ length: 8 }, () => server.client()))
  await pause(500)

  await killed.stopNow()
  await pause(1500)
  await killed.start()
  await load.acknowledgedAgain()
  await load.stop()

  const refusals = load.tallies.flatMap((tally) => tally.refusals)
  expect(server.child.exitCode).toBe(null)
  expect(refusals.length).toBeGreaterThan(0)
  expect(refusals).toEqual(refusals.map(() => expect.objectContaining(refused)))
  await load.check()
}

type Proxy = Awaited<ReturnType<typeof startProxy>>

/** X15: the reply to an update is lost, ten times. */
export const updatesOnceWithoutReply = async (
  server: FaultServer,
  proxy: Pick<Proxy, "loseReplyTo">
): Promise<void> => {
  const client = await visited(server.client())

  const answers = []
  for (let nth = 2; nth <= 11; nth++) {
    const lost = proxy.loseReplyTo(`mark-${nth}-`)
    answers.push(await client.send(`/increment?given=mark-${nth}-`))
    await lost
  }

  expect(answers).toMatchObject(answers.map((_, index) => counted(index + 2)))
  expect(await client.send("/read")).toMatchObject(counted(11))
}
