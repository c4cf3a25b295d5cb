/** The theme of VitePress, with the colours of the diagrams. */
import theme from "vitepress/theme"
import "./site.css"

export default theme
