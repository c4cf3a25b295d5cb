/** Clients that count up their sessions until told to stop, and what may be in the store afterwards. */
import { expect } from "vitest"
import { eventually, pause } from "../../support/process.js"
import type { Answer, Client } from "./server.js"

export interface Load {
  readonly tallies: ReadonlyArray<Tally>
  /** Waits until each client had one more increment acknowledged. */
  readonly acknowledgedAgain: () => Promise<void>
  /** Waits for the answers that are under way. */
  readonly stop: () => Promise<void>
  /** Expects in each session what was acknowledged, and at most what was refused beside it. */
  readonly check: () => Promise<void>
}

/** What a client was told. */
export interface Tally {
  readonly client: Client
  /** Increments that were answered with 200. */
  acknowledged: number
  /** Increments that were refused: each may have happened. */
  unknown: number
  readonly refusals: Array<Answer>
}

/** Starts as many clients as there are given, one request after the other each. */
export const startLoad = (clients: ReadonlyArray<Client>): Load => {
  let running = true
  const tallies = clients.map(
    (client): Tally => ({ client, acknowledged: 0, unknown: 0, refusals: [] })
  )
  const ended = Promise.all(
    tallies.map(async (tally) => {
      while (running) {
        const answer = await tally.client.send("/increment")
        if (answer.status === 200) tally.acknowledged += 1
        else {
          tally.unknown += 1
          tally.refusals.push(answer)
          await pause(20)
        }
      }
    })
  )
  return {
    tallies,
    acknowledgedAgain: async () => {
      const before = tallies.map(({ acknowledged }) => acknowledged)
      await eventually(async () => {
        const isOne = tallies.every((tally, index) => tally.acknowledged > (before[index] ?? 0))
        if (!isOne) throw new Error("Some client is still refused.")
      })
    },
    stop: async () => {
      running = false
      await ended
    },
    check: async () => {
      for (const { acknowledged, client, unknown } of tallies) {
        const { body } = await client.send("/read")
        expect(body).toEqual({
          count: expect.toSatisfy(
            (count: number) => count >= acknowledged && count <= acknowledged + unknown,
            `between ${acknowledged} and ${acknowledged + unknown}`
          )
        })
      }
    }
  }
}
