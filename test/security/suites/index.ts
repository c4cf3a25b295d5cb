/** All that is asked of every store. */
import { afterAll, beforeAll, describe } from "vitest"
import type { Place } from "../places.js"
import { endings } from "./endings.js"
import { ids } from "./ids.js"
import { sealing } from "./sealing.js"
import { values } from "./values.js"

export const suites = (name: string, open: () => Promise<Place>, missing = false): void => {
  describe.skipIf(missing)(`security on ${name}`, () => {
    let opened: Place
    const place = () => opened

    beforeAll(async () => {
      opened = await open()
    })

    afterAll(() => opened?.close())

    ids(place)
    endings(place)
    values(place)
    sealing(place)
  })
}
