/** What the pages of a store have in common. */
import { Html, html } from '../html.ts';
import { pageAssets } from '../page-assets.ts';

const storeStyle = `
.filter{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:end;margin:0 0 14px}
.filter label{display:grid;gap:2px;font-size:12px;color:var(--quiet)}
.filter input,.filter select,.filter button,.compare-bar button{font:inherit;font-size:14px;color:var(--ink);background:var(--page);border:1px solid var(--line);border-radius:6px;padding:6px 10px}
.filter input[type=search]{width:34ch;max-width:70vw}
.filter button,.compare-bar button{cursor:pointer;border-color:var(--accent);color:var(--accent)}
.store td{white-space:nowrap}
.store td.wide{white-space:normal;min-width:12ch;max-width:22ch;overflow-wrap:anywhere}
.store .run{white-space:normal;min-width:24ch;max-width:32ch;overflow-wrap:anywhere}
.store .finding{min-width:24ch;white-space:normal}
.store .finding div{display:-webkit-box;-webkit-box-orient:vertical;-webkit-line-clamp:2;overflow:hidden}
.store .pick{text-align:center}
.compare-bar{display:flex;gap:14px;align-items:center;margin:12px 0 0;position:sticky;bottom:0;background:var(--panel);padding:10px 0}
.pair{table-layout:fixed}
.pair thead th{width:22%}
.pair td{overflow-wrap:anywhere}
.pair tr.differs>*{background:color-mix(in srgb,var(--info) 13%,var(--panel))}
.pair tr.differs th::after{content:" ≠";color:var(--info)}
.pair thead td{font-weight:600;border-bottom:2px solid var(--line)}
`;

/** Pages load nothing and run nothing; forms come back to where they came from. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'";

export function page(title: string, subtitle: Html, body: Html): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title}</title>
<link rel="icon" href="data:,"><style>${new Html(pageAssets().style + storeStyle)}</style></head>
<body><header class="masthead"><b>Umpire</b>${subtitle}</header><main>${body}</main></body></html>
`.text;
}
