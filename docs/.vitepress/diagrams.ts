/** Mermaid's blocks are drawn when the site is built: no page loads a script or a font for them. */
import { renderMermaidSVG } from "beautiful-mermaid"
import type { MarkdownRenderer } from "vitepress"

/** The drawing without its own styles, which would load a font; `theme/site.css` has the colours, also those of the dark. */
const drawing = (source: string): string =>
  renderMermaidSVG(source)
    .replace(/<style>[\s\S]*?<\/style>/, "")
    .replace(/ style="[^"]*"/, "")

export const diagrams = (markdown: MarkdownRenderer): void => {
  const fence = markdown.renderer.rules.fence
  markdown.renderer.rules.fence = (...given) => {
    const [tokens, index] = given
    const token = tokens[index]
    if (token?.info.trim() !== "mermaid") return fence?.(...given) ?? ""
    return `<div class="diagram" tabindex="0" v-pre>${drawing(token.content)}</div>`
  }
}
