/** The style of `/docs`: served as a file, since the pages allow no style of their own. */
export const docsStyle = `
:root { color-scheme: light dark; --ink: light-dark(#1b1f27, #e6e8ec); --soft: light-dark(#586173, #9aa3b2);
  --paper: light-dark(#ffffff, #12151b); --raised: light-dark(#f5f6f9, #1a1e26); --line: light-dark(#e1e4ea, #2a303b);
  --link: light-dark(#1f54c4, #8fb4ff); --get: light-dark(#0c6b4f, #5fd3a9); --post: light-dark(#1f54c4, #8fb4ff);
  --patch: light-dark(#8a5300, #f0b45a); --delete: light-dark(#b3261e, #ff8f87); --mono: ui-monospace, 'SF Mono', Menlo, Consolas, monospace; }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }
a { color: var(--link); text-decoration-thickness: 1px; text-underline-offset: 0.2em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 4px; }
.skip { position: absolute; left: -100vw; padding: 0.5rem 1rem; background: var(--paper); }
.skip:focus { left: 1rem; top: 1rem; }
header { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; align-items: baseline; justify-content: space-between;
  padding: 1.25rem clamp(1rem, 3vw, 2.5rem); border-bottom: 1px solid var(--line); }
header p { margin: 0; color: var(--soft); }
h1 { margin: 0; font-size: 1.35rem; letter-spacing: -0.02em; }
h1 a { color: inherit; text-decoration: none; }
.frame { display: grid; grid-template-columns: minmax(16rem, 21rem) minmax(0, 54rem); gap: clamp(1.5rem, 4vw, 4rem);
  padding: 0 clamp(1rem, 3vw, 2.5rem); }
nav { position: sticky; top: 0; align-self: start; max-height: 100vh; overflow-y: auto; padding: 1.5rem 0.5rem 2rem 0; font-size: 0.85rem; }
.surfaces { display: flex; flex-wrap: wrap; gap: 0.35rem 1.1rem; margin: 0 0 0.75rem; font-size: 0.95rem; }
nav summary { padding: 0.5rem 0; font-weight: 650; font-size: 0.95rem; cursor: pointer; }
nav ul { margin: 0 0 0.75rem; padding: 0; list-style: none; }
nav li a { display: grid; grid-template-columns: 3.6rem 1fr; gap: 0.5rem; align-items: baseline; padding: 0.3rem 0.4rem; border-radius: 6px;
  color: var(--ink); text-decoration: none; }
nav li a:hover { background: var(--raised); }
main { padding: 1.5rem 0 6rem; }
.lead { margin: 0 0 1.5rem; color: var(--soft); max-width: 44rem; }
h2 { margin: 3.5rem 0 0.25rem; font-size: 1.7rem; letter-spacing: -0.02em; }
article { padding: 1.75rem 0 1.25rem; border-top: 1px solid var(--line); }
article:target h3 .path, .problems > :target { background: light-dark(#fff3bf, #4a3d0c); border-radius: 4px; }
article p { margin: 0 0 0.5rem; }
h3 { display: flex; flex-wrap: wrap; gap: 0.6rem; align-items: center; margin: 0 0 0.5rem; font-size: 1.1rem; font-weight: 600; }
h4 { margin: 1.1rem 0 0.35rem; font-size: 0.8rem; font-weight: 650; color: var(--soft); }
code, pre, kbd { font-family: var(--mono); font-size: 0.92em; }
.path { overflow-wrap: anywhere; font-size: 1em; }
nav .path { font-size: 0.95em; }
.method { font: 700 0.68rem/1 var(--mono); letter-spacing: 0.04em; padding: 0.32rem 0; width: 3.6rem; text-align: center; border-radius: 5px;
  border: 1px solid currentColor; color: var(--soft); }
.get { color: var(--get); } .post, .put { color: var(--post); } .patch { color: var(--patch); } .delete { color: var(--delete); }
.access { color: var(--soft); font-size: 0.92rem; }
pre { margin: 0; padding: 0.85rem 1rem; overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 8px;
  font-size: 0.84rem; line-height: 1.65; }
pre b { font-weight: 400; color: var(--post); }
pre kbd { font-size: 1em; color: var(--get); }
pre i, pre em { font-style: normal; color: var(--soft); }
.codes { display: flex; flex-wrap: wrap; gap: 0.4rem; font-size: 0.84rem; }
.codes a { padding: 0.12rem 0.55rem; border: 1px solid var(--line); border-radius: 99px; color: var(--ink); text-decoration: none; font-family: var(--mono); }
.codes a:hover { border-color: var(--link); }
.codes b, .problems b { color: var(--soft); font-weight: 600; }
.problems { margin: 0; }
.problems > div { display: grid; grid-template-columns: 16rem 1fr; gap: 1rem; padding: 0.55rem 0.25rem; border-top: 1px solid var(--line); }
.problems dd { margin: 0; }
@media (max-width: 60rem) {
  .frame { grid-template-columns: minmax(0, 1fr); gap: 0; }
  nav { position: static; max-height: none; padding: 0.75rem 0; border-bottom: 1px solid var(--line); }
  nav details { display: none; }
  .surfaces { gap: 0.5rem 1.4rem; margin: 0.25rem 0; }
  .surfaces a { padding: 0.4rem 0; }
  .problems > div { grid-template-columns: 1fr; gap: 0.1rem; }
  h2 { margin-top: 2.25rem; }
}
`
