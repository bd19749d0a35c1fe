/** How the status page looks: light or dark, tables or, where there is no room for them, cards. */
export const statusStyle = `
:root{color-scheme:light dark;--ground:#f7f7f8;--card:#fff;--ink:#18181b;--soft:#52525b;--line:#e2e2e6;--accent:#3f46b8;--on-accent:#fff;--good:#166534;--warn:#92400e;--bad:#b42318;--good-tint:#eefaf1;--warn-tint:#fff7e6;--bad-tint:#fff1ef;--shade:0 1px 2px #0000000d,0 8px 24px #00000014}
@media (prefers-color-scheme:dark){:root{--ground:#111114;--card:#1a1a1f;--ink:#ededf1;--soft:#a6a6b2;--line:#2e2e36;--accent:#aab2ff;--on-accent:#14142b;--good:#7ddea4;--warn:#f3c169;--bad:#ff9d92;--good-tint:#13251a;--warn-tint:#2a2110;--bad-tint:#2d1816;--shade:0 1px 2px #0006,0 12px 32px #0008}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
header,main,footer{max-width:78rem;margin:0 auto;padding:0 1.5rem}
header{display:flex;align-items:center;justify-content:space-between;gap:.5rem 1.5rem;padding-top:1.25rem;padding-bottom:1.25rem}
h1,h2,p,dl,dd,ul{margin:0;padding:0}
h1{font-size:1.625rem;line-height:1.25;font-weight:650;letter-spacing:-.015em}
h2{font-size:1.0625rem;font-weight:650;letter-spacing:-.005em}
a{color:var(--accent);text-underline-offset:.15em}
code{font:.92em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
svg{display:block}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.brand{display:inline-flex;align-items:center;gap:.5rem;color:var(--ink);font-weight:650;text-decoration:none;flex:none}
.mark{width:1.375rem;height:1.375rem;fill:none;stroke:var(--accent);stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
.shape{width:1rem;height:1rem;flex:none;fill:none;stroke:currentColor;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
.unseen,.skip:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.skip:focus{position:absolute;left:1rem;top:.5rem;z-index:9;padding:.5rem .75rem;background:var(--card);border-radius:6px}
#live{color:var(--soft);font-size:.875rem;text-align:right}
#live[data-state]::before{content:"";display:inline-block;width:.5rem;height:.5rem;margin-right:.5rem;border-radius:50%;background:var(--good)}
#live[data-state=paused]::before{border-radius:0;background:var(--soft)}
#live[data-state=lost]{color:var(--bad);font-weight:550}
#live[data-state=lost]::before{border-radius:0;transform:rotate(45deg);background:var(--bad)}
.lost main{filter:grayscale(1)}
.notice{position:sticky;top:.75rem;z-index:5;display:flex;align-items:flex-start;gap:.625rem;margin-bottom:1.25rem;padding:.75rem 1rem;border:1px solid currentColor;border-radius:10px;background:var(--good-tint);color:var(--good);box-shadow:var(--shade)}
.notice.bad{background:var(--bad-tint);color:var(--bad)}
.notice .shape,.refusal .shape{margin-top:.22rem}
.health{display:flex;gap:1rem;padding:.75rem 0 1.75rem}
.health>.shape{width:2.25rem;height:2.25rem;stroke-width:1.25;margin-top:-.05rem}
.health>div{min-width:0}
.good,.busy{--tone:var(--good);--tint:var(--good-tint)}.warn{--tone:var(--warn);--tint:var(--warn-tint)}.bad{--tone:var(--bad);--tint:var(--bad-tint)}.idle{--tone:var(--soft);--tint:var(--ground)}
.health>.shape,.state{color:var(--tone)}
dl{display:flex;flex-wrap:wrap;gap:.25rem 1.75rem;margin-top:.5rem;font-size:.9375rem}
dl div{display:flex;gap:.4rem}
dt{flex:none;color:var(--soft)}
.refusal{margin-bottom:1.75rem;padding:1rem 1.25rem;border:1px solid var(--warn);border-left-width:4px;border-radius:10px;background:var(--warn-tint)}
.refusal h2{display:flex;gap:.5rem;color:var(--warn)}
.refusal p{margin:.25rem 0 .5rem}
.refusal ul{list-style:none;display:grid;gap:.25rem}
section{margin-bottom:2.25rem}
.head{display:flex;flex-wrap:wrap;align-items:baseline;justify-content:space-between;gap:.5rem 1.5rem;margin-bottom:.75rem}
.fine,.none,.more,.label,footer{color:var(--soft);font-size:.8125rem}
.fine{display:block}
.more{padding:.75rem 0}
.filter{display:flex;align-items:center;flex-wrap:wrap;gap:.5rem;font-size:.875rem}
.filter label{color:var(--soft)}
input[type=search]{font:inherit;color:inherit;width:14rem;min-width:0;max-width:100%;padding:.3rem .6rem;border:1px solid var(--soft);border-radius:7px;background:var(--card)}
input::placeholder{color:var(--soft);opacity:1}
.scripted .filter button{display:none}
table{width:100%;border-collapse:separate;border-spacing:0;background:var(--card);border:1px solid var(--line);border-radius:12px}
th,td{padding:.75rem 1rem;text-align:left;vertical-align:top;font-weight:400;min-width:0}
thead th{padding-top:.6rem;padding-bottom:.6rem;color:var(--soft);font-size:.8125rem;white-space:nowrap}
tbody>tr:not(.trouble)>*{border-top:1px solid var(--line)}
.name,.tenant{display:block;font-weight:600}
.tenant{font-weight:500}
.tenant::before{content:"› ";color:var(--soft)}
.state{display:inline-flex;gap:.45rem;font-weight:550}
.state .shape{margin-top:.22rem}
.life{max-width:17rem;min-width:15rem;font-size:.875rem}
.life svg{width:100%;height:6px;margin:.45rem 0 .4rem;border-radius:3px;overflow:hidden}
.rail{fill:var(--line)}
.left{fill:var(--accent)}
.bad .left,.warn .left{fill:var(--tone)}
.due{fill:var(--card)}
.trouble td{padding:0 1rem 1rem}
.trouble td>div{padding:.6rem .9rem;border-radius:8px;background:var(--tint);font-size:.875rem}
.trouble p{padding-left:6rem}
.trouble .label{float:left;width:6rem;margin-left:-6rem;line-height:1.65;color:var(--ink)}
.trouble code{font-weight:600}
.actions{width:1%}
.actions>div{display:flex;justify-content:flex-end;gap:.5rem}
.actions form{margin:0}
button,.button{display:inline-block;font:inherit;font-size:.875rem;line-height:1.25rem;padding:.3rem .75rem;border:1px solid var(--line);border-radius:7px;background:var(--card);color:var(--ink);cursor:pointer;text-decoration:none;white-space:nowrap;list-style:none}
button:hover,.button:hover{border-color:var(--accent);color:var(--accent)}
.first{border-color:var(--accent);background:var(--accent);color:var(--on-accent)}
.first:hover{color:var(--on-accent);text-decoration:underline}
button[aria-busy]{color:var(--soft);cursor:progress}
summary::-webkit-details-marker{display:none}
.confirm{position:relative}
.confirm[open]>summary{border-color:var(--bad);color:var(--bad)}
.confirm>form{position:absolute;right:0;top:calc(100% + .4rem);z-index:4;width:20rem;padding:1rem;border:1px solid var(--line);border-radius:10px;background:var(--card);box-shadow:var(--shade);text-align:left}
.confirm p{margin-bottom:.75rem;font-size:.875rem}
.danger,.danger:hover{border-color:var(--bad);background:var(--bad);color:var(--card)}
.numbers th[scope=col]:not(:first-child),.numbers td{text-align:right}
.numbers td>.state{justify-content:flex-end}
.numbers td{vertical-align:middle}.numbers tbody th{vertical-align:middle}
.numbers td{white-space:nowrap}
tbody th{min-width:9rem}td[data-label=State]{min-width:10rem}
.few tbody th{min-width:0}
.few{width:auto;min-width:min(100%,34rem)}
.trend{display:flex;flex-direction:row-reverse;align-items:center;gap:.75rem;white-space:nowrap}
.trend>:first-child{min-width:4rem}
.spark{display:block;width:6.5rem;height:1.75rem;flex:none}
.spark path{fill:none;stroke:var(--line);vector-effect:non-scaling-stroke}
.spark .line{stroke:var(--accent);stroke-width:1.75;stroke-linejoin:round;stroke-linecap:round}
footer{padding-top:.5rem;padding-bottom:2.5rem}
@media (max-width:82rem){.life{min-width:9rem}th,td{padding-left:.75rem;padding-right:.75rem}.spark{width:4.5rem}.trouble td{padding:0 .75rem .75rem}}
@media (max-width:68rem){
header,main,footer{padding-left:1rem;padding-right:1rem}
header{align-items:flex-start}
thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table,tbody,tr,th,td{display:block}
table,.few{width:100%;min-width:0;border:0;background:none;border-radius:0}
table:not(.numbers),.numbers tbody{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20rem),1fr));gap:.75rem}
tbody[id],.numbers tbody>tr{padding:.75rem 1rem;border:1px solid var(--line);border-radius:12px;background:var(--card)}
tbody>tr:not(.trouble)>*{border:0}
th,td,.trouble td{padding:.3rem 0}
tbody td[data-label]{display:grid;grid-template-columns:7rem minmax(0,1fr);gap:.75rem;text-align:left}
td[data-label]::before{content:attr(data-label);color:var(--soft);font-size:.8125rem;line-height:1.75}
.numbers td>.state{justify-content:flex-start}
.life{max-width:none;min-width:0}
.trend{flex-direction:row}
.numbers td{white-space:normal}
tbody th,td[data-label=State]{min-width:0}
.trend>:first-child{min-width:4.5rem}
.spark{flex:0 1 8rem;min-width:0}
.trouble td{padding:.5rem 0}
.trouble p{padding:.1rem 0}
.trouble .label{float:none;display:block;margin:0}
td.none{display:none}
.actions{padding-top:.6rem}
.actions{width:auto}
.actions>div{flex-wrap:wrap;justify-content:flex-start}
.confirm[open]{flex-basis:100%}
.confirm>summary{width:max-content}
.confirm>form{position:static;width:auto;margin-top:.5rem;box-shadow:none}
}
@media (max-width:30rem){.filter{width:100%}.filter label{width:100%}input[type=search]{flex:1}.health>.shape{width:1.75rem;height:1.75rem}h1{font-size:1.375rem}dl{display:grid}dl div{display:grid;grid-template-columns:6.5rem minmax(0,1fr)}}
@media (prefers-reduced-motion:no-preference){.left{transition:width .4s}button,.button{transition:color .12s,border-color .12s}#live[data-state=live]::before{animation:beat 2s ease-in-out infinite}@keyframes beat{50%{opacity:.35}}}
`;
