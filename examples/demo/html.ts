/** Small helpers for HTML as text: everything that comes from outside goes through `escape`. */

/** Makes a text safe inside HTML. */
export const escape = (text: string): string =>
  text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")

const style = `
:root{--ink:#1d2433;--soft:#667;--line:#dde2ea;--accent:#3454d1;--bg:#f5f7fb}
*{box-sizing:border-box}body{margin:0;font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--bg)}
header{background:#fff;border-bottom:1px solid var(--line)}nav{max-width:860px;margin:auto;padding:14px 20px;display:flex;gap:18px;flex-wrap:wrap;align-items:center}
nav strong{margin-right:auto}a{color:var(--accent);text-decoration:none}main{max-width:860px;margin:24px auto;padding:0 20px}
.card{background:#fff;border:1px solid var(--line);border-radius:10px;padding:18px;margin-bottom:16px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(200px,1fr));gap:16px}
button{font:inherit;background:var(--accent);color:#fff;border:0;border-radius:7px;padding:7px 14px;cursor:pointer}
button.plain{background:#e8ecf5;color:var(--ink)}form{display:inline}label{display:block;margin:10px 0}
input[type=text],input[type=password],input[type=number]{font:inherit;padding:7px 10px;border:1px solid var(--line);border-radius:7px;width:100%;max-width:320px;display:block}
.flash{background:#e7f5ec;border:1px solid #b6dfc4;border-radius:8px;padding:10px 14px;margin-bottom:16px}
table{width:100%;border-collapse:collapse;font-size:14px}td,th{text-align:left;padding:8px;border-bottom:1px solid var(--line);vertical-align:top}.soft{color:var(--soft)}
.wide{overflow-x:auto}`

/** A whole page. */
export const page = (view: {
  readonly title: string
  readonly user: string | undefined
  readonly items: number
  readonly message: string | undefined
  readonly token: string
  readonly body: string
}): string => `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>${escape(view.title)}</title><style>${style}</style></head>
<body><header><nav><strong>Corner shop</strong><a href="/">Shop</a><a href="/cart" id="cart">Cart (${view.items})</a>${
  view.user === undefined
    ? '<a href="/login">Log in</a><a href="/register">Register</a>'
    : `<a href="/sessions">Sessions</a><span class="soft">${escape(view.user)}</span>${action("/logout", view.token, "Log out", "plain")}`
}</nav></header><main>${
  view.message === undefined ? "" : `<p class="flash" role="status">${escape(view.message)}</p>`
}<h1>${escape(view.title)}</h1>${view.body}</main></body></html>`

/** A form of one button. */
export const action = (path: string, token: string, label: string, kind = ""): string =>
  `<form method="post" action="${path}">${token}<button class="${kind}">${escape(label)}</button></form>`
