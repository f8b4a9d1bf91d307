/** The style of the page about one history; colours follow the reader's light or dark scheme. */
export const checkStyle = `
:root{color-scheme:light dark;--page:#f6f7f9;--panel:#fff;--ink:#161a21;--quiet:#5a6372;
--line:#dfe3e9;--accent:#2257c9;--good:#14713d;--bad:#c01f2e;--open:#935600;--core:#2a6fdb;
--tint:10%}
@media (prefers-color-scheme:dark){:root{--page:#0e1116;--panel:#161b22;--ink:#e8ecf2;
--quiet:#9aa5b5;--line:#2a323d;--accent:#7fabff;--good:#4fce87;--bad:#ff6f76;--open:#f0b04a;
--core:#5c9dff;--tint:17%}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:24px 28px 60px}
h1{font-size:22px;margin:0 0 4px;display:flex;gap:12px;align-items:center;flex-wrap:wrap}
h2{font-size:17px;margin:32px 0 8px;display:flex;gap:10px;align-items:center;flex-wrap:wrap}
h3{font-size:15px;margin:18px 0 6px}
p{margin:6px 0;max-width:76ch}
.quiet{color:var(--quiet);font-weight:400}
code,.op,td.op,.state{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;
font-size:.87em;overflow-wrap:anywhere}
.linearizable{--c:var(--good)}.non-linearizable{--c:var(--bad)}.unknown{--c:var(--open)}
.badge{display:inline-flex;gap:7px;align-items:center;color:var(--c);font-size:15px;font-weight:600;
padding:2px 12px 2px 9px;border-radius:14px;
background:color-mix(in srgb,var(--c) var(--tint),transparent)}
.icon{width:17px;height:17px;fill:var(--c)}
.icon .mark,.icon .bare{fill:none;stroke:var(--page);stroke-width:2.4;stroke-linecap:round}
.card{background:var(--panel);border:1px solid var(--line);border-left:4px solid var(--c);
border-radius:8px;padding:2px 20px 16px;margin:14px 0}
.card h2{margin-top:16px}
.why{font-size:16px}
.facts{color:var(--quiet);font-size:14px}
table{border-collapse:collapse;font-size:14px;margin:8px 0}
th{text-align:left;font-weight:600;color:var(--quiet)}
th,td{padding:3px 18px 3px 0;vertical-align:top;border-bottom:1px solid var(--line)}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
td.verdict{color:var(--c);font-weight:600}
.lanes{overflow-x:auto;border:1px solid var(--line);border-radius:6px;background:var(--page);
padding:4px 8px;margin:8px 0}
svg{display:block}
svg text{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:var(--ink)}
svg .name{fill:var(--quiet)}
svg .lane{stroke:var(--line)}
.bar rect{fill:color-mix(in srgb,var(--b,var(--quiet)) 16%,var(--panel));
stroke:var(--b,var(--quiet));stroke-width:1.2}
.bar.core{--b:var(--core)}.bar.blocked{--b:var(--bad)}.bar.blocked rect{stroke-width:2.2}
.bar.plain{--b:var(--core)}
.bar.around text{fill:var(--quiet)}
.bar.around rect{stroke:var(--line)}
.bar.open rect{stroke-dasharray:5 4}
.trail{fill:none;stroke:var(--good);stroke-width:1.3;opacity:.65}
.point{fill:var(--good);stroke:var(--page);stroke-width:1.5}
ol.ways{list-style:none;padding:0;margin:8px 0}
ol.ways li{display:flex;flex-wrap:wrap;gap:5px 7px;align-items:center;margin:7px 0}
.op{padding:1px 8px;border-radius:5px;border:1px solid var(--line);background:var(--page)}
.op.perhaps{border-style:dashed}
.op.stuck{border-color:var(--bad);color:var(--bad);font-weight:600}
.then{color:var(--quiet)}
details{margin:10px 0}
summary{cursor:pointer;color:var(--accent)}
summary:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.meter{height:8px;border-radius:4px;background:var(--line);overflow:hidden;max-width:420px;margin:8px 0}
.meter div{height:100%;background:var(--c)}
@media (max-width:700px){main{padding:16px}.card{padding:2px 12px 12px}}
`;
