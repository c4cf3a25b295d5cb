/** The stylesheet of the demo, for wide and narrow screens, light and dark. */
export const style = `
:root{color-scheme:light dark;--paper:#faf7f2;--card:#fff;--ink:#23201c;--soft:#665e54;--line:#e5ddd1;--edge:#857b6e;--leaf:#2a6148;--on:#fff;--good:#e3f1e7;--bad:#fbe4df;--rust:#9c3a20}
@media (prefers-color-scheme:dark){:root{--paper:#191714;--card:#24211d;--ink:#f2ece3;--soft:#b1a799;--line:#3a352e;--edge:#8c8274;--leaf:#7cc39f;--on:#10201a;--good:#1e3529;--bad:#43231b;--rust:#f0987f}}
*{box-sizing:border-box}
body{display:flex;flex-direction:column;min-height:100vh;margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
a{color:var(--leaf)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip{position:absolute;left:-99rem;top:0;z-index:1;padding:.6rem 1rem;background:var(--card);color:var(--ink)}
.skip:focus{left:0}
:focus-visible{outline:3px solid var(--leaf);outline-offset:2px}
main:focus{outline:0}
header{background:var(--card);border-bottom:1px solid var(--line)}
.bar,main,footer p{width:100%;max-width:62rem;margin:0 auto;padding:0 1.25rem}
.bar{display:flex;align-items:center;gap:.2rem 2rem;padding-block:.6rem}
.brand{font:700 1.25rem/1.2 Georgia,serif;color:var(--ink);text-decoration:none;white-space:nowrap}
nav{display:flex;gap:1.2rem;flex:1}
nav a,.account a,.account button{display:inline-block;padding:.35rem 0;color:var(--ink);text-decoration:none;white-space:nowrap;border-bottom:2px solid transparent}
nav a:hover,.account a:hover,.account button:hover{text-decoration:underline}
[aria-current]{border-bottom-color:var(--leaf)!important;font-weight:600}
.account{display:flex;align-items:center;gap:1.2rem;min-width:0}
.account b{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.count{display:inline-block;min-width:1.5em;padding:0 .4em;border-radius:1em;background:var(--leaf);color:var(--on);font-size:.8rem;font-weight:700;text-align:center}
main{flex:1;padding-block:1.6rem 3rem}
h1{font:700 clamp(1.6rem,5vw,2.2rem)/1.2 Georgia,serif;margin:.4rem 0 .8rem}
h2{font-size:1.05rem;margin:0}
main>h2{margin:2rem 0 .7rem;font:700 1.3rem/1.3 Georgia,serif}
.lead,.soft,footer{color:var(--soft)}
.lead{margin:-.4rem 0 1.5rem;max-width:42rem}
footer{border-top:1px solid var(--line);font-size:.87rem}
footer p{padding-block:1rem 2rem}
.flash{display:flex;gap:.7rem;align-items:center;margin:0 0 1.2rem;padding:.7rem 1rem;border-radius:.6rem;border:1px solid var(--leaf);background:var(--good)}
.flash svg{flex:none;width:1.3rem;height:1.3rem;fill:none;stroke:var(--leaf);stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}
.flash.bad{background:var(--bad);border-color:var(--rust)}
.flash.bad svg{stroke:var(--rust)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1.1rem;padding:0;margin:0;list-style:none}
.card,.panel{background:var(--card);border:1px solid var(--line);border-radius:.9rem}
.card{overflow:hidden;display:flex;flex-direction:column}
.art{display:grid;place-items:center;height:8.5rem;color:#2b2620}
.art svg{width:4.2rem;height:4.2rem;fill:none;stroke:currentColor;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.body{padding:1rem;display:flex;flex-direction:column;gap:.35rem;flex:1}
.body p{margin:0 0 .5rem;color:var(--soft);font-size:.93rem;flex:1}
.row{display:flex;flex-wrap:wrap;gap:.7rem;align-items:center;justify-content:space-between}
.end{margin-top:1.1rem}
.inline{display:flex;gap:.5rem;align-items:center}
.price{font-weight:700}
button{font:inherit;font-weight:600;padding:.5rem .95rem;border-radius:.55rem;border:1px solid var(--leaf);background:var(--leaf);color:var(--on);cursor:pointer}
button:hover{filter:brightness(1.08)}
button.quiet{background:transparent;color:var(--leaf);padding:.35rem .8rem}
button.danger{background:transparent;border-color:var(--rust);color:var(--rust)}
button.link{border:0;border-radius:0;background:none;color:var(--ink);font-weight:400}
form{margin:0}
.panel{padding:1.2rem}
.narrow{max-width:25rem;margin:1rem auto}
.narrow h1,.narrow>p{text-align:center}
.stack{display:grid;gap:.9rem}
label{display:grid;gap:.25rem;font-weight:600}
label.check{display:flex;align-items:center;gap:.5rem;font-weight:400}
.hint{margin:-.7rem 0 0;color:var(--soft);font-size:.87rem}
input{font:inherit;font-weight:400;padding:.5rem .7rem;border:1px solid var(--edge);border-radius:.5rem;background:var(--card);color:var(--ink);width:100%}
input[type=checkbox]{width:1.1rem;height:1.1rem;accent-color:var(--leaf)}
input[type=number]{width:4.6rem}
table{width:100%;border-collapse:separate;border-spacing:0;background:var(--card);border:1px solid var(--line);border-radius:.9rem;overflow:hidden}
th,td{text-align:left;padding:.65rem .9rem;border-bottom:1px solid var(--line);vertical-align:middle}
thead th{font-size:.83rem;color:var(--soft)}
tbody th{font-weight:600;overflow-wrap:anywhere}
tbody:last-child tr:last-child>*,tfoot tr:last-child>*{border-bottom:0}
tfoot th,tfoot td{font-weight:700;text-align:right}
.figure{text-align:right;font-variant-numeric:tabular-nums}
.action{text-align:right}
.badge{display:inline-block;margin-left:.4em;padding:0 .55em;border-radius:1em;background:var(--good);font-size:.82rem;font-weight:700;white-space:nowrap}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1.1rem;margin:0}
.tiles dt{font-weight:600}
.tiles dd{margin:0}
.large{font:700 2.2rem/1.2 Georgia,serif;font-variant-numeric:lining-nums}
figure{margin:0}
figcaption{margin:.6rem 0}
.chart{display:block;width:100%;height:8rem;fill:var(--leaf)}
.chart .none{fill:var(--edge)}
.axis{display:flex;justify-content:space-between;font-size:.83rem}
summary{cursor:pointer}
details table{margin-top:.7rem;border-radius:.6rem}
@media (max-width:44rem){
.bar{display:grid;grid-template-columns:1fr auto}
nav{grid-row:2;grid-column:1/-1;gap:1.3rem}
.account b{max-width:9rem}
.stacks thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.stacks,.stacks tbody,.stacks tfoot,.stacks tr,.stacks th,.stacks td{display:block}
.stacks tr{border-bottom:1px solid var(--line);padding:.6rem 0}
.stacks :is(tbody:last-child,tfoot) tr:last-child{border-bottom:0}
.stacks th,.stacks td{border:0;padding:.25rem 1rem;text-align:left}
.stacks td[data-name]{display:flex;justify-content:space-between;gap:1rem}
.stacks td[data-name]::before{content:attr(data-name);color:var(--soft)}
.stacks td:empty{display:none}
.stacks tfoot tr{display:flex;justify-content:space-between}
}
`
