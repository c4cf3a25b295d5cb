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

const lines = (plot) => {
  const panels = new Set(plot.points.map(({ panel }) => panel))
  const ticks = [...new Set(plot.points.map(({ x }) => x))].sort((a, b) => a - b)
  const log = plot.log ? { type: "log", ticks, tickFormat: (x) => x.toLocaleString("en") } : {}
  const at = { x: "x", y: "y", z: "series", stroke: "series", fy: "panel" }
  return Plot.plot({
    ...options(plot),
    height: 60 + panels.size * 220,
    marginLeft: 60,
    marginRight: 300,
    x: { label: plot.x, ...log },
    y: { label: plot.y, grid: true, zero: true, nice: true },
    fy: { label: null, axis: panels.size > 1 ? "left" : null },
    marks: [
      Plot.ruleY([0]),
      Plot.ruleX(plot.marks ?? [], { x: "x", strokeDasharray: "4" }),
      Plot.text(plot.marks ?? [], {
        x: "x",
        text: "text",
        frameAnchor: "top",
        textAnchor: "start",
        dx: 4
      }),
      Plot.lineY(plot.points, { ...at, marker: plot.log ? "circle" : undefined }),
      Plot.text(
        plot.points,
        Plot.selectLast({
          ...at,
          stroke: undefined,
          fill: "series",
          text: "series",
          textAnchor: "start",
          dx: 8
        })
      )
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
