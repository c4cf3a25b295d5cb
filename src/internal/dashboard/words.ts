/** Numbers, times and browsers as people say them. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import { type Html, html } from "./html.js"

const grouping = new Intl.NumberFormat("en")

/** "1,234,567" */
export const grouped = (number: number): string => grouping.format(number)

/** "1 session", "1,200 sessions". */
export const count = (number: number, thing: string): string =>
  `${grouped(number)} ${thing}${number === 1 ? "" : "s"}`

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const

/** "512 bytes", "1.4 MiB". */
export const bytes = (number: number): string => {
  const unit = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, number)) / 10))
  return unit === 0 ? count(number, "byte") : `${(number / 1024 ** unit).toFixed(1)} ${units[unit]}`
}

/** "40 seconds", "12 minutes", "1.5 hours": the unit that fits. */
export const length = (duration: Duration.Duration): string => {
  const seconds = Duration.toSeconds(duration)
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 120) return count(Math.round(seconds), "second")
  if (seconds < 7200) return count(Math.round(seconds / 60), "minute")
  return `${(seconds / 3600).toFixed(1)} hours`
}

/** "2026-11-30 12:03:20 UTC" */
export const instant = (at: DateTime.Utc): string =>
  `${DateTime.formatIso(at).slice(0, 19).replace("T", " ")} UTC`

/** "12:03" of UTC. */
export const clock = (at: DateTime.Utc): string => DateTime.formatIso(at).slice(11, 16)

/** An instant by its distance from now. The exact time shows on hovering. */
export const ago = (at: DateTime.Utc, now: DateTime.Utc): Html =>
  html`<time datetime="${DateTime.formatIso(at)}" title="${instant(at)}">${distance(at.epochMillis - now.epochMillis)}</time>`

const distance = (millis: number): string => {
  const minutes = Math.floor(Math.abs(millis) / 60_000)
  if (minutes < 1) return millis > 0 ? "in a minute" : "just now"
  const hours = Math.floor(minutes / 60)
  const days = Math.floor(hours / 24)
  const said =
    days > 0 ? count(days, "day") : hours > 0 ? count(hours, "hour") : count(minutes, "minute")
  return millis > 0 ? `in ${said}` : `${said} ago`
}

/** An instant in full, and its distance from now. */
export const exact = (at: DateTime.Utc, now: DateTime.Utc): Html =>
  html`<time datetime="${DateTime.formatIso(at)}">${instant(at)}</time> <span class="soft">${distance(at.epochMillis - now.epochMillis)}</span>`

// The order matters: the agent of Edge also names Chrome and Safari.
const browsers: ReadonlyArray<readonly [mark: string, name: string]> = [
  ["Edg", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["FxiOS/", "Firefox"],
  ["CriOS/", "Chrome"],
  ["Chrome/", "Chrome"],
  ["Safari/", "Safari"]
]
const systems: typeof browsers = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Windows", "Windows"],
  ["CrOS", "ChromeOS"],
  ["Mac OS", "Mac"],
  ["Linux", "Linux"]
]

/** The name of a browser as people know it: "Firefox on Linux". A program is called by what it says first. */
export const deviceName = (agent: string): string => {
  const named = (marks: typeof browsers) => marks.find(([mark]) => agent.includes(mark))?.[1]
  const browser = named(browsers)
  const system = named(systems)
  if (browser === undefined) return system ?? (/^[^\s/]{1,40}/.exec(agent)?.[0] || "Unknown device")
  return system === undefined ? browser : `${browser} on ${system}`
}
