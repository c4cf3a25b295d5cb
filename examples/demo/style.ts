/** The stylesheet of the demo, for wide and narrow screens, light and dark. */
export const style = `
:root{color-scheme:light dark;--paper:#faf7f2;--card:#fff;--ink:#23201c;--soft:#6d655b;--line:#e5ddd1;--leaf:#2f6b4f;--on:#fff;--good:#e3f1e7;--bad:#fbe4df;--rust:#a63d21}
@media (prefers-color-scheme:dark){:root{--paper:#191714;--card:#24211d;--ink:#f2ece3;--soft:#a89e90;--line:#3a352e;--leaf:#7cc39f;--on:#10201a;--good:#1e3529;--bad:#43231b;--rust:#f0987f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
a{color:var(--leaf)}
header{background:var(--card);border-bottom:1px solid var(--line)}
.bar,main,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
.bar{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1.2rem;padding-block:.8rem}
.brand{font:700 1.25rem/1.2 Georgia,serif;color:var(--ink);text-decoration:none;margin-right:auto}
nav{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem 1.1rem}
nav a{color:var(--ink);text-decoration:none}
nav a:hover{text-decoration:underline}
.count{display:inline-block;min-width:1.5em;padding:0 .4em;border-radius:1em;background:var(--leaf);color:var(--on);font-size:.8rem;font-weight:700;text-align:center}
main{padding-block:1.6rem 3rem;min-height:60vh}
h1{font:700 clamp(1.6rem,5vw,2.2rem)/1.2 Georgia,serif;margin:.4rem 0 .3rem}
h2{font-size:1.05rem;margin:0}
.lead,.soft,footer{color:var(--soft)}
.lead{margin:0 0 1.5rem;max-width:42rem}
footer{border-top:1px solid var(--line);padding-block:1rem 2rem;font-size:.87rem}
.flash{margin:0 0 1rem;padding:.7rem 1rem;border-radius:.6rem;border:1px solid var(--line);background:var(--good)}
.flash.bad{background:var(--bad)}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:1.1rem;padding:0;margin:0;list-style:none}
.card{background:var(--card);border:1px solid var(--line);border-radius:.9rem;overflow:hidden;display:flex;flex-direction:column}
.art{display:grid;place-items:center;height:8.5rem;color:#2b2620}
.art svg{width:4.2rem;height:4.2rem;fill:none;stroke:currentColor;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.body{padding:1rem;display:flex;flex-direction:column;gap:.35rem;flex:1}
.body p{margin:0 0 .5rem;color:var(--soft);font-size:.93rem;flex:1}
.row{display:flex;flex-wrap:wrap;gap:.7rem;align-items:center;justify-content:space-between}
.price{font-weight:700}
button{font:inherit;font-weight:600;padding:.5rem .95rem;border-radius:.55rem;border:1px solid var(--leaf);background:var(--leaf);color:var(--on);cursor:pointer}
button:hover{filter:brightness(1.08)}
button.quiet{background:transparent;color:var(--leaf)}
button.danger{background:transparent;border-color:var(--rust);color:var(--rust)}
button.link{border:0;background:none;color:var(--ink);padding:0;font-weight:400}
button.link:hover{text-decoration:underline}
:focus-visible{outline:3px solid var(--leaf);outline-offset:2px}
form{margin:0}
.panel{background:var(--card);border:1px solid var(--line);border-radius:.9rem;padding:1.2rem}
.narrow{max-width:25rem}
.stack{display:grid;gap:.9rem}
label{display:grid;gap:.25rem;font-weight:600}
label.check{display:flex;align-items:center;gap:.5rem;font-weight:400}
input{font:inherit;padding:.5rem .7rem;border:1px solid var(--line);border-radius:.5rem;background:var(--paper);color:var(--ink);width:100%}
input[type=checkbox]{width:1.1rem;height:1.1rem;accent-color:var(--leaf)}
input[type=number]{width:5rem}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line);border-radius:.9rem;overflow:hidden}
th,td{text-align:left;padding:.7rem .9rem;border-bottom:1px solid var(--line);vertical-align:middle}
td:first-child{overflow-wrap:anywhere}
th{font-size:.83rem;color:var(--soft)}
tr:last-child td{border-bottom:0}
.badge{display:inline-block;padding:0 .55em;border-radius:1em;background:var(--good);font-size:.82rem;font-weight:700;white-space:nowrap}
.inline{display:flex;gap:.5rem;align-items:center}
.end{margin-top:1.1rem}
@media (max-width:44rem){thead{display:none}table,tbody,tr,td{display:block}tr{border-bottom:1px solid var(--line);padding:.5rem 0}tr:last-child{border-bottom:0}td{border:0;padding:.2rem 1rem}td[data-name]::before{content:attr(data-name) ": ";color:var(--soft)}}
`
