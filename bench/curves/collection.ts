/** What writes notice of a collection beside them. */
import { Effect, Layer } from "effect"
import { SessionGc } from "../../src/index.js"
import * as Contest from "../support/contest.js"
import * as Fill from "../support/fill.js"
import * as Load from "../support/load.js"
import * as Page from "../support/page.js"
import { storeLayer } from "../support/store.js"
import { type Curve, ours } from "./curve.js"

/** Seconds over which the latencies of one dot were taken. */
const slice = 0.25
const before = 16
const after = 8

interface Slice {
  readonly second: number
  readonly median: number
  readonly p99: number
}

export interface Point {
  readonly live: number
  readonly due: number
  readonly collected: number
  /** When it began and ended. */
  readonly began: number
  readonly ended: number
  readonly slices: ReadonlyArray<Slice>
  /** Of a collection of as many rows without traffic; the bytes of the log are those of one row. */
  readonly alone: { readonly seconds: number; readonly logBytes: number }
}

/** Adds rows that are due. */
const expire = async (url: string, due: number): Promise<void> => {
  await Fill.query(
    url,
    `insert into sessions (id, namespace, user_id, ip_address, user_agent, payload, created_at,
       last_activity, expires_at, version)
     select substr(encode(sha256(n::text::bytea || 'due'), 'hex'), 1, 40), namespace, user_id, ip_address,
       user_agent, payload, created_at, last_activity,
       (extract(epoch from now()) * 1000)::bigint - 1 - (random() * 7200000)::int, version
     from (select * from sessions where user_agent is not null limit 1) as template
     cross join generate_series(1, $1::int) as n`,
    [due]
  )
  await Fill.query(url, "vacuum analyze sessions")
}

const collect = (url: string): Promise<number> =>
  Effect.runPromise(Effect.provide(SessionGc.collect, Layer.orDie(storeLayer(url, true))))

const collectAlone = async (place: Contest.Place, url: string): Promise<Point["alone"]> => {
  const before = await place.counts()
  const began = performance.now()
  const rows = await collect(url)
  const seconds = (performance.now() - began) / 1000
  return { seconds, logBytes: ((await place.counts()).logBytes - before.logBytes) / rows }
}

const measure = async (live: number, due: number): Promise<Point> => {
  const place = await Contest.openPlace("postgres")
  const url = place.env.DATABASE_URL ?? ""
  const server = await Contest.start(ours(), place.env, 64)
  try {
    const cookies = await Fill.fill(url, live)
    await expire(url, due)
    const alone = await collectAlone(place, url)
    await expire(url, due)
    await Load.run(server.visitors, "/write", Contest.warmUpSeconds, cookies)
    const start = performance.now()
    const now = () => (performance.now() - start) / 1000
    const slices: Array<Slice> = []
    const take = async () => {
      const second = now()
      const { failures, latencies } = await Load.run(server.visitors, "/write", slice, cookies)
      if (failures > 0) throw new Error(`${failures} writes failed beside a collection.`)
      const [median, p99] = [0.5, 0.99].map((part) => Load.quantile(latencies, part))
      slices.push({ second, median: median ?? Number.NaN, p99: p99 ?? Number.NaN })
    }
    for (let count = 0; count < before; count++) await take()
    const began = now()
    let done: { readonly collected: number; readonly ended: number } | undefined
    const collecting = collect(url).then((collected) => {
      done = { collected, ended: now() }
    })
    while (done === undefined) await take()
    await collecting
    const { collected, ended } = done
    for (let count = 0; count < after; count++) await take()
    return { live, due, collected, began, ended, slices, alone }
  } finally {
    await server.stop()
    await place.stop()
  }
}

/** The medians of the dots without a collection, and beside it. */
const compared = ({ began, ended, slices }: Point, figure: "median" | "p99") => {
  const beside = ({ second }: Slice) => second >= began && second <= ended
  const of = (some: ReadonlyArray<Slice>) => Load.median(some.map((one) => one[figure]))
  return { without: of(slices.filter((one) => !beside(one))), beside: of(slices.filter(beside)) }
}

export const collection: Curve<Point> = {
  name: "collection",
  keys: ({ rows }) => {
    const live = Math.min(rows, 1_000_000)
    return [`${live} ${live / 100}`, `${live} ${live / 10}`]
  },
  measure: (key) => {
    const [live = 0, due = 0] = key.split(" ").map(Number)
    return measure(live, due)
  },
  show: async (points) => {
    const all = points.map(([, point]) => point)
    const last = all.at(-1)
    const picture =
      last &&
      (await Page.picture("collection", {
        title: "Latency of writes while expired rows are collected",
        kind: "lines",
        x: "seconds",
        y: "latency, ms",
        marks: [
          { x: last.began, text: "it begins" },
          { x: last.ended, text: "it ends" }
        ],
        points: last.slices.flatMap(({ median, p99, second }) => [
          { x: second, y: median, series: "median of writes" },
          { x: second, y: p99, series: "99th percentile of writes" }
        ])
      }))
    const rows = all.map((point) => {
      const [median, p99] = [compared(point, "median"), compared(point, "p99")]
      return [
        point.live,
        point.collected,
        Page.rounded(point.ended - point.began),
        Math.round(point.collected / (point.ended - point.began)),
        Math.round(point.collected / point.alone.seconds),
        Page.rounded(median.without),
        Page.rounded(median.beside),
        Page.rounded(p99.without),
        Page.rounded(p99.beside),
        (p99.beside / p99.without).toFixed(2)
      ]
    })
    const head = ["live rows", "collected", "seconds", "rows a second", "without traffic"]
    const more = ["p50 without, ms", "p50 beside, ms", "p99 without, ms", "p99 beside, ms", "ratio"]
    return [picture ?? "", Page.table([...head, ...more], rows)].join("\n\n")
  }
}
