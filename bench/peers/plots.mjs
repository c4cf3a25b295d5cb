/** Draws plots as SVG, by Observable Plot on a document that is no browser's. */
import * as Plot from "@observablehq/plot"
import { parseHTML } from "linkedom"

const width = 760
const [ours, theirs] = ["#3b6fb6", "#b8bcc4"]

const options = ({ title, points }) => ({
  document: parseHTML("<html><body></body></html>").document,
  width,
  title,
  style: { fontSize: "12px" },
  color: { domain: [...new Set(points.map(({ series }) => series))], scheme: "Tableau10" }
})

const bars = (plot) => {
  const panels = new Set(plot.points.map(({ panel }) => panel))
  const names = new Set(plot.points.map(({ series }) => series))
  return Plot.plot({
    ...options(plot),
    height: 60 + panels.size * (names.size * 22 + 14),
    marginLeft: 290,
    marginRight: 60,
    x: { label: plot.y, grid: true },
    y: { label: null, domain: [...names] },
    fy: { label: null, domain: [...panels], axis: "right" },
    marks: [
      Plot.barX(plot.points, {
        x: "y",
        y: "series",
        fy: "panel",
        fill: ({ series }) => (/^effect-session/.test(series) ? ours : theirs)
      }),
      Plot.text(plot.points, {
        x: "y",
        y: "series",
        fy: "panel",
        text: ({ y }) => y.toLocaleString("en"),
        textAnchor: "start",
        dx: 4
      }),
      Plot.ruleX([0])
    ]
  })
}

const panelHeight = 220

/** The last point of each line, moved apart so that their names can be read beside each other. */
const ends = (points) => {
  const top = Math.max(...points.map(({ y }) => y))
  const apart = (top * 14) / (panelHeight - 40)
  const lasts = new Map(points.map((point) => [`${point.panel} ${point.series}`, point]))
  const placed = []
  for (const last of [...lasts.values()].sort((a, b) => a.y - b.y)) {
    const below = placed.filter(({ panel }) => panel === last.panel).at(-1)
    placed.push({ ...last, y: Math.max(last.y, below === undefined ? 0 : below.y + apart) })
  }
  return placed
}

const lines = (plot) => {
  const panels = [...new Set(plot.points.map(({ panel }) => panel))]
  const ticks = [...new Set(plot.points.map(({ x }) => x))].sort((a, b) => a - b)
  // By powers of two no tick loses its number.
  const log = { type: "log", base: 2, ticks, tickFormat: (x) => x.toLocaleString("en") }
  return Plot.plot({
    ...options(plot),
    height: 60 + panels.length * panelHeight,
    marginLeft: 60,
    marginRight: 300,
    marginTop: 30,
    x: { label: plot.x, labelAnchor: "center", ...(plot.log ? log : {}) },
    y: { label: plot.y, grid: true, zero: true },
    fy: { axis: null },
    marks: [
      Plot.ruleY([0]),
      Plot.text(panels.length > 1 ? panels : [], {
        text: (panel) => panel,
        fy: (panel) => panel,
        frameAnchor: "top-left",
        fontWeight: "bold",
        dx: 6
      }),
      Plot.ruleX(plot.marks ?? [], { x: "x", strokeDasharray: "4" }),
      Plot.text(plot.marks ?? [], {
        x: "x",
        text: "text",
        frameAnchor: "top",
        textAnchor: "start",
        dx: 4
      }),
      Plot.lineY(plot.points, {
        x: "x",
        y: "y",
        z: "series",
        stroke: "series",
        fy: "panel",
        marker: plot.log ? "circle" : undefined
      }),
      Plot.text(ends(plot.points), {
        x: "x",
        y: "y",
        fy: "panel",
        fill: "series",
        text: "series",
        textAnchor: "start",
        dx: 8
      })
    ]
  })
}

export const draw = (plot) => {
  // A title makes a figure of it, whose picture is the last of its children.
  const { title, ...rest } = plot
  const svg = (plot.kind === "bars" ? bars : lines)(rest)
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg")
  svg.setAttribute("role", "img")
  svg.setAttribute("aria-label", title)
  svg.setAttribute("style", "background: white; color: #222")
  return `${svg.outerHTML}\n`
}
