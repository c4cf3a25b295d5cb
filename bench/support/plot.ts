/** Figures over time as an SVG: one small panel for each. */

const width = 720
const height = 110
const left = 90

/** Draws each column of the samples against the first. */
export const plot = (
  title: string,
  columns: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<number>>
): string => {
  const panels = columns.slice(1).map((name, index) => panel(name, index, rows))
  const whole = height * panels.length + 30
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${whole}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="white"/><text x="10" y="18" font-size="13">${title}</text>`,
    ...panels,
    "</svg>\n"
  ].join("\n")
}

const panel = (name: string, index: number, rows: ReadonlyArray<ReadonlyArray<number>>): string => {
  const points = rows
    .map((row) => [row[0] ?? 0, row[index + 1] ?? Number.NaN] as const)
    .filter(([, value]) => Number.isFinite(value))
  const last = Math.max(...points.map(([second]) => second), 1)
  const most = Math.max(...points.map(([, value]) => value), 1)
  const top = 30 + index * height
  const x = (second: number) => left + (second / last) * (width - left - 10)
  const y = (value: number) => top + (height - 20) * (1 - value / most)
  const line = points.map(([second, value]) => `${x(second).toFixed(1)},${y(value).toFixed(1)}`)
  return [
    `<text x="10" y="${top + 40}">${name}</text>`,
    `<text x="10" y="${top + 55}" fill="gray">up to ${most.toPrecision(3)}</text>`,
    `<line x1="${left}" x2="${width - 10}" y1="${y(0)}" y2="${y(0)}" stroke="lightgray"/>`,
    `<polyline points="${line.join(" ")}" fill="none" stroke="steelblue"/>`
  ].join("\n")
}
