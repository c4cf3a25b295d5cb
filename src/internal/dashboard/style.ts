/** The style sheet, for wide and narrow screens, light and dark. */
import { createHash } from "node:crypto"

export const style = `:root{color-scheme:light dark;--paper:#f5f6f8;--card:#fff;--ink:#1c2430;--soft:#5a6575;--line:#dfe3e9;--edge:#7d8898;--blue:#2f55c8;--pale:#a9bcf2;--on:#fff;--good:#1d7042;--good-paper:#e4f4ea;--bad:#b3261e;--bad-paper:#fceae8}
@media (prefers-color-scheme:dark){:root{--paper:#12151a;--card:#1b2028;--ink:#e7eaf0;--soft:#a0abbb;--line:#2d3440;--edge:#778395;--blue:#94adff;--pale:#4a5fa8;--on:#10162a;--good:#7fd3a2;--good-paper:#17301f;--bad:#ff9d93;--bad-paper:#3c1d1b}}
*{box-sizing:border-box}
body{display:flex;flex-direction:column;min-height:100vh;margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
a{color:var(--blue);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
main:focus{outline:0}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-99rem;top:0;z-index:1;padding:.6rem 1rem;background:var(--card);color:var(--ink)}
.skip:focus{left:0}
header{background:var(--card);border-bottom:1px solid var(--line)}
.bar,main,footer p{width:100%;max-width:72rem;margin:0 auto;padding:0 1.5rem}
.bar{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.2rem 1.5rem;padding-block:.7rem}
header nav{display:flex;flex-wrap:wrap;align-items:baseline;gap:.2rem 1.5rem}
.brand{font-size:1.1rem;font-weight:700;color:var(--ink);text-decoration:none}
.operator{margin:0;min-width:0;overflow-wrap:anywhere}
main{flex:1;padding-block:1.4rem 3rem}
footer{border-top:1px solid var(--line);color:var(--soft);font-size:.87rem}
footer p{padding-block:1rem 1.5rem}
h1{font-size:1.6rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:1.1rem;line-height:1.3;margin:0}
p{margin:0}
.soft,.lead{color:var(--soft)}
.lead{max-width:44rem;margin-top:.5rem}
.back{margin-bottom:.6rem}
.as-of{margin-top:.2rem}
.panel{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.2rem}
.panel.flush{padding:0;overflow:hidden}
section,.tiles,h1+.panel{margin-top:1.6rem}
section>h2{margin-bottom:.7rem}
.narrow{max-width:38rem;margin:0 auto}
.narrow>*+*{margin-top:1rem}
.row{display:flex;flex-wrap:wrap;gap:.7rem 1.2rem;align-items:center;justify-content:space-between}
section>.row{margin-bottom:.7rem}
section>.row h2{margin:0}
.actions,form.row{justify-content:flex-start;margin-top:1.2rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10rem,1fr));gap:.8rem;margin-bottom:0}
.tiles>div{padding:.8rem 1rem}
.tiles dt{font-weight:600}
.tiles dd{margin:0;font-size:.87rem}
.tiles dd.large{font-size:1.6rem;line-height:1.3;font-weight:700;font-variant-numeric:tabular-nums}
figure{margin:0}
.legend{display:flex;gap:1.2rem;font-size:.87rem}
.legend span::before{content:"";display:inline-block;width:.75rem;height:.75rem;margin-right:.4rem;border-radius:.15rem;background:var(--pale)}
.legend .of-users::before{background:var(--blue)}
.plot{display:grid;grid-template-columns:auto 1fr;gap:.3rem .6rem;margin-top:.6rem;font-size:.8rem}
.scale{display:flex;flex-direction:column;justify-content:space-between;text-align:right;line-height:1;font-variant-numeric:tabular-nums}
.plot svg{display:block;width:100%;height:10rem;border-block:1px solid var(--line)}
rect.of-sessions{fill:var(--pale)}
rect.of-users{fill:var(--blue)}
.hours{grid-column:2;display:flex;justify-content:space-between}
figcaption{margin:.6rem 0}
summary{cursor:pointer;width:fit-content}
details table{max-width:30rem;margin-top:.6rem}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;padding:.55rem 1rem;border-bottom:1px solid var(--line);vertical-align:middle;overflow-wrap:anywhere}
.panel:not(.flush) :is(th,td):first-child{padding-left:0}
.panel:not(.flush) :is(th,td):last-child{padding-right:0}
thead th{font-size:.83rem;color:var(--soft);white-space:nowrap}
tbody th{font-weight:600}
tbody tr:last-child>*{border-bottom:0}
.figure{text-align:right;font-variant-numeric:tabular-nums}
.action{text-align:right;white-space:nowrap}
.address{white-space:nowrap}
.id{display:block;font-size:.83rem;font-weight:400;overflow-wrap:anywhere}
.badge{display:inline-block;padding:0 .55em;border-radius:1em;background:var(--good-paper);color:var(--good);font-size:.8rem;font-weight:700;white-space:nowrap;vertical-align:middle}
code{font-size:.93em;overflow-wrap:anywhere}
.facts{margin:0}
.facts div{display:grid;grid-template-columns:8rem 1fr;gap:.2rem 1rem;padding:.5rem 0;border-bottom:1px solid var(--line)}
.facts div:last-child{border-bottom:0}
.facts dt{color:var(--soft)}
.facts dd{margin:0;overflow-wrap:anywhere}
.filters{display:flex;flex-wrap:wrap;gap:.4rem;flex:1}
.filters a{padding:.25rem .8rem;border:1px solid var(--line);border-radius:1em;color:var(--ink);text-decoration:none}
.filters a:hover{border-color:var(--edge)}
.filters [aria-current]{background:var(--ink);border-color:var(--ink);color:var(--paper)}
.search{display:flex;align-items:center;gap:.5rem}
.search label{color:var(--soft)}
input{font:inherit;padding:.35rem .6rem;min-width:0;border:1px solid var(--edge);border-radius:.4rem;background:var(--card);color:var(--ink)}
button,.button{display:inline-block;font:inherit;font-weight:600;line-height:1.4;padding:.35rem .85rem;border:1px solid var(--edge);border-radius:.4rem;background:var(--card);color:var(--ink);text-decoration:none;cursor:pointer}
button:hover,.button:hover{border-color:var(--ink)}
.danger{border-color:var(--bad);color:var(--bad)}
.danger:hover{background:var(--bad-paper);border-color:var(--bad)}
.danger.full,.danger.full:hover{background:var(--bad);color:var(--on)}
.pager{display:flex;gap:.6rem;margin-top:.9rem}
.notice{display:flex;gap:.6rem;align-items:center;margin:0 0 1.2rem;padding:.6rem 1rem;border:1px solid var(--good);border-radius:.5rem;background:var(--good-paper)}
.notice svg{flex:none;width:1.2rem;height:1.2rem;fill:none;stroke:var(--good);stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}
.notice.bad{border-color:var(--bad);background:var(--bad-paper)}
.notice.bad svg{stroke:var(--bad)}
h1+.notice{margin-top:1rem}
@media (max-width:46rem){
.bar,main,footer p{padding-inline:1rem}
.tiles{grid-template-columns:1fr 1fr}
.search{width:100%}
.search label{white-space:nowrap}
.search input{flex:1}
.facts div{grid-template-columns:1fr}
.plot svg{height:8rem}
.stacks thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stacks,.stacks tbody,.stacks tr,.stacks th,.stacks td{display:block}
.stacks tr{border-bottom:1px solid var(--line);padding:.7rem 0}
.stacks tbody tr:last-child{border-bottom:0}
.stacks th,.stacks td{border:0;padding:.2rem 1rem;text-align:left}
.panel:not(.flush) .stacks :is(th,td){padding-inline:0}
.stacks td[data-name]{display:flex;justify-content:space-between;gap:1rem;text-align:right}
.stacks td[data-name]::before{content:attr(data-name);color:var(--soft);text-align:left;white-space:nowrap}
.stacks td[data-name]:empty{display:none}
.address{white-space:normal}
.stacks .action{margin-top:.4rem}
}
`

/** Changes with the style sheet, so that browsers may keep it. */
export const styleVersion = createHash("sha256").update(style).digest("hex").slice(0, 8)
