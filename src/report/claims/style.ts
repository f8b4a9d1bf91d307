/** The style of the claims page; colours follow the reader's light or dark scheme. */
export const claimsStyle = `
:root{color-scheme:light dark;--page:#f6f7f9;--panel:#fff;--ink:#161a21;--quiet:#5a6372;
--line:#dfe3e9;--accent:#2257c9;--holds:#14713d;--qualified:#935600;--refuted:#a3246f;
--undecided:#7a33b5;--open:#4b5d79;--bad:#c01f2e;--tint:9%}
@media (prefers-color-scheme:dark){:root{--page:#0e1116;--panel:#161b22;--ink:#e8ecf2;
--quiet:#9aa5b5;--line:#2a323d;--accent:#7fabff;--holds:#4fce87;--qualified:#f0b04a;
--refuted:#ff7cc4;--undecided:#c797f5;--open:#a3b4d0;--bad:#ff6f76;--tint:15%}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans CJK SC",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 28px 60px}
h1{font-size:24px;margin:0 0 4px}
h2{font-size:18px;margin:36px 0 12px;display:flex;gap:10px;align-items:baseline}
h2 span,.quiet{color:var(--quiet);font-weight:400}
h2 span{font-size:15px}
a{color:var(--accent)}
code,.scope{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.86em}
.counts{display:flex;flex-wrap:wrap;gap:8px 26px;margin:18px 0 14px}
.counts div{display:flex;gap:7px;align-items:baseline}
.counts b{font-size:24px;font-variant-numeric:tabular-nums}
.holds{--c:var(--holds)}.qualified{--c:var(--qualified)}.refuted{--c:var(--refuted)}
.undecided{--c:var(--undecided)}.open{--c:var(--open)}.bad{--c:var(--bad)}
.counts b,.badge,.map a{color:var(--c)}
.map{display:flex;flex-wrap:wrap;gap:5px}
.map a{padding:1px 7px;border-radius:4px;text-decoration:none;font-weight:600;font-size:13px;
background:color-mix(in srgb,var(--c) var(--tint),transparent)}
.map a.open,.map a.partial{border:1px dashed var(--c);background:none;font-weight:400}
.problems{border:1px solid var(--bad);border-radius:8px;padding:12px 18px;margin:18px 0;
background:color-mix(in srgb,var(--bad) 7%,var(--panel))}
.problems ul{margin:6px 0 0;padding-left:20px}
details.claim{background:var(--panel);border:1px solid var(--line);border-radius:8px;margin:0 0 8px;
scroll-margin-top:10px}
details.claim.bad{border-color:var(--bad)}
summary{list-style:none;cursor:pointer;padding:11px 16px;display:grid;gap:2px 14px;
grid-template-columns:38px minmax(0,1fr) auto;align-items:start}
summary::-webkit-details-marker{display:none}
summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:8px}
summary .id{font-weight:700}
summary .zh{grid-column:2;color:var(--quiet);font-size:14px}
.badge{font-weight:600;white-space:nowrap;font-size:14px;padding:1px 9px;border-radius:11px;
background:color-mix(in srgb,var(--c) var(--tint),transparent)}
.badge.open,.badge.partial{background:none;border:1px dashed var(--c);font-weight:400}
.body{padding:2px 16px 16px 68px}
.body p{margin:6px 0}
.group{margin:14px 0 0}
.group h3{font-size:14px;margin:0 0 6px}
.finding{display:grid;grid-template-columns:22px minmax(0,1fr);margin:5px 0}
.finding .mark{font-weight:700;color:var(--c)}
.finding .scope{color:var(--quiet)}
.finding details{margin-top:5px}
.finding details summary{display:inline;padding:0;color:var(--accent)}
.finding details summary::before{content:"▸ "}
.finding details[open] summary::before{content:"▾ "}
.chart{overflow-x:auto;margin:8px 0 4px;border:1px solid var(--line);border-radius:6px;
background:var(--page);padding:6px}
svg{display:block}
svg text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}
svg .lane{stroke:var(--line);stroke-width:2}
svg .lane-name{font-weight:700}
svg .rule{stroke:var(--line);stroke-dasharray:2 4}
svg .number,svg .change{fill:var(--quiet)}
svg .arrow{stroke:var(--accent);stroke-width:1.6}
svg .head,svg .dot{fill:var(--accent)}
svg .message,svg .note{paint-order:stroke;stroke:var(--page);stroke-width:4px}
svg .action{font-weight:600}
@media (max-width:700px){main{padding:16px}.body{padding-left:16px}}
`;
