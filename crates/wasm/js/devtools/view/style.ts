// How it looks. Text on its ground: 4.5 to 1 or better, in both schemes.

export const STYLE = `
:host { --ground: light-dark(#fff, #0f151c); --raised: light-dark(#f3f5f8, #18212b); --line: light-dark(#d5dce4, #2a3644); --text: light-dark(#15202b, #e3eaf2);
  --muted: light-dark(#505d6c, #9aa9ba); --accent: light-dark(#0a5da1, #5bbcff); --chosen: light-dark(#dcedfc, #12304a);
  --good: light-dark(#0e653d, #46d39a); --warn: light-dark(#7d4d00, #f2b84b); --bad: light-dark(#ae1d2a, #ff8f87); --violet: light-dark(#6440b8, #bda4ff);
  --one: light-dark(#0a6ebd, #5bbcff); --two: light-dark(#a94f14, #f2a25b); --three: light-dark(#7a4fc9, #b79cff) }
:host([data-theme=light]) { color-scheme: light }
:host([data-theme=dark]) { color-scheme: dark }
:host([data-theme=system]) { color-scheme: light dark }
* { box-sizing: border-box }
[hidden] { display: none !important }
.panel { container-type: inline-size; display: flex; flex-direction: column; min-height: 0; background: var(--ground); color: var(--text); font: 13px/1.4 system-ui, sans-serif; font-variant-numeric: tabular-nums; text-align: left }
.docked { position: fixed; inset: auto 0 0 0; height: min(46vh, 520px); min-height: 280px; z-index: 2147483000; border-top: 1px solid var(--line); box-shadow: 0 -4px 20px rgb(0 0 0 / .2) }
.fills { height: 100%; border: 1px solid var(--line); border-radius: 8px; overflow: hidden }
:host { display: block; height: 100% }
h2, h3, h4, p, ol, ul, dl, dd, figure { margin: 0; padding: 0 }
h2, h3 { font-size: 13px; font-weight: 650; overflow-wrap: anywhere }
h4 { font-size: 12px; font-weight: 600; color: var(--muted); margin-top: 10px }
ol, ul { list-style: none }
code, pre, .list .row, .tree, time { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 12px }
button, select, input[type=search], input[type=file] { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: 3px 9px; min-height: 28px; max-width: 100% }
button { cursor: pointer }
button:hover:not(:disabled) { border-color: var(--accent) }
button:disabled { cursor: default; color: var(--muted); border-style: dashed }
button[aria-pressed=true] { background: var(--chosen); border-color: var(--accent) }
input[type=search] { flex: 1 1 140px; min-width: 100px }
:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px }
.bar { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; padding: 6px 8px }
.head { padding-bottom: 2px }
.brand { color: var(--accent) }
.phase { padding: 1px 9px; border-radius: 99px; border: 1px solid currentcolor; font-weight: 600; color: var(--muted) }
.phase[data-phase=live] { color: var(--good) }
.phase[data-phase=connecting], .phase[data-phase=syncing], .phase[data-phase=stale] { color: var(--warn) }
.phase[data-phase=stopped], .phase[data-phase=offline] { color: var(--bad) }
.close { margin-left: auto }
.count, .label { color: var(--muted); overflow-wrap: anywhere }
.facts { flex: 0 1 auto; white-space: nowrap; overflow: hidden; text-overflow: ellipsis }
.tabs { display: flex; overflow-x: auto; gap: 2px; padding: 0 8px; border-bottom: 1px solid var(--line); flex: none }
.tabs button { background: none; border: 0; border-radius: 0; border-bottom: 2px solid transparent; color: var(--muted); white-space: nowrap; padding: 5px 10px }
.tabs button[aria-selected=true] { color: var(--text); font-weight: 600; border-bottom-color: var(--accent) }
.body { flex: 1; min-height: 0; display: flex }
.body > * { flex: 1; min-width: 0; min-height: 0 }
.scroll { overflow: auto }
.pad { padding: 10px 12px }
.pad h3 { margin-top: 14px }
.pad h3:first-child { margin-top: 0 }
.pad .bar { padding: 6px 0 }
.warning { padding: 4px 12px; color: var(--warn) }
.said { padding: 0 12px; color: var(--muted) }
.said:not(:empty) { padding: 4px 12px; border-top: 1px solid var(--line) }
.split { display: flex }
.main { flex: 3; min-width: 0; display: flex; flex-direction: column; min-height: 0 }
.main.scroll { display: block }
.detail { flex: 2; min-width: 0; overflow: auto; border-left: 1px solid var(--line); padding: 8px 10px }
.detail .bar { padding: 4px 0 }
.detail .bar h3 { flex: 1 }
.detail.fixed { display: flex; flex-direction: column; gap: 6px }
.list { position: relative; flex: 1; min-height: 60px; overflow: auto; contain: strict; border-top: 1px solid var(--line) }
.list-body { position: relative; contain: layout style; min-width: 100% }
.row { position: absolute; inset: 0 0 auto 0; display: flex; gap: 10px; align-items: center; padding: 0 8px; white-space: nowrap; cursor: pointer; contain: strict }
.row:hover { background: var(--raised) }
.row[aria-selected=true] { background: var(--chosen) }
.row > * { overflow: hidden; text-overflow: ellipsis }
.row time { color: var(--muted); flex: none }
.kind { color: var(--violet); flex: 0 1 90px }
.key { flex: 0 1 220px }
.version { color: var(--muted); flex: 0 0 64px }
.value { flex: 1 1 0; color: var(--muted) }
.type { flex: 0 1 150px }
.did { flex: 1 1 0; min-width: 0 }
.size { flex: 0 0 72px; text-align: right; color: var(--muted) }
.nothing { padding: 10px 12px; color: var(--muted) }
.chips { display: flex; flex-wrap: wrap; gap: 4px; padding: 0 8px 6px }
.chip { padding: 0 9px; min-height: 24px; border-radius: 99px; font-size: 12px }
[data-group=insert] { color: var(--good) } [data-group=updated] { color: var(--accent) } [data-group=delete], [data-group=fault] { color: var(--bad) }
[data-group=refused] { color: var(--warn) } [data-group=commit] { color: var(--violet) }
[data-group=stage], [data-group=ignored], [data-group=link], [data-group=status], [data-group=there] { color: var(--muted) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 4px 0 0; padding: 8px; background: var(--raised); border-radius: 6px; max-height: 320px; overflow: auto }
.steps li { overflow-wrap: anywhere }
.tree { margin-top: 4px; overflow-wrap: anywhere }
.tree details > :not(summary), .tree .leaf { margin-left: 14px }
.tree > .leaf { margin-left: 0 }
summary { cursor: pointer }
.name { color: var(--violet) }
.is-string { color: var(--good) } .is-number { color: var(--accent) } .is-boolean, .is-null { color: var(--two) }
.turns { margin-top: 6px; display: grid; grid-template-columns: minmax(0, 1fr); gap: 4px }
.turn { display: flex; gap: 8px; width: 100%; text-align: left; min-height: 24px; padding: 1px 8px }
.turn time { color: var(--muted) }
.turns code { display: block; color: var(--muted); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: 0 9px }
.moment .label { flex: 0 0 56px }
.moment input { flex: 2 1 160px; min-width: 0; accent-color: var(--accent) }
.moment output { flex: 3 1 200px; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-family: ui-monospace, monospace; font-size: 12px }
.check { display: flex; gap: 5px; align-items: center }
.check input { accent-color: var(--accent); width: 16px; height: 16px }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 10px; padding: 4px 12px 12px }
dt { color: var(--muted); font-size: 12px }
dd { overflow-wrap: anywhere }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(260px, 1fr)); gap: 10px; padding: 10px; align-content: start }
figure { border: 1px solid var(--line); border-radius: 8px; padding: 8px 10px }
figcaption { display: flex; gap: 8px; align-items: baseline; flex-wrap: wrap }
figcaption output { margin-left: auto; font-weight: 600 }
figcaption .count { font-size: 12px; width: 100% }
figure svg { width: 100%; height: 80px; display: block }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 8px; margin: 10px 0 4px }
.card { text-align: left; padding: 8px 10px; display: grid; gap: 2px; align-content: start }
.card span { color: var(--muted) }
@media (max-width: 700px) {
  .docked { inset: 0; height: auto }
}
@container (max-width: 700px) {
  .brand { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
  .facts { order: 1; flex-basis: 100% }
  .split { flex-direction: column }
  .detail { border-left: 0; border-top: 1px solid var(--line); flex: 1 1 45% }
  .main { flex: 1 1 55% }
  .key { flex-basis: 130px } .kind { flex-basis: 60px } .version { flex-basis: 44px } .type { flex-basis: 120px } .size { display: none }
}
@media (prefers-reduced-motion: no-preference) { .tabs button { transition: border-color .15s } }
`
