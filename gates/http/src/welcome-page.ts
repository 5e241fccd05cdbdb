/** What stands at `/`: that the product runs, and where to look. No script, no style from elsewhere. */
export function welcomePage(version: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sallyport</title>
<link rel="stylesheet" href="/welcome.css">
</head>
<body>
<main>
<h1>Sallyport</h1>
<p>Version ${version} is running and guarding its store.</p>
<p>Its pages are not built: run <code>npm run build:web</code> in its folder, then load this again.</p>
<ul>
<li><a href="/docs">/docs</a> — every call of the API, also as <a href="/openapi.json">OpenAPI</a></li>
<li><a href="/healthz">/healthz</a> — the process is alive</li>
<li><a href="/readyz">/readyz</a> — store, vault and ledger can do their work</li>
<li><a href="/metrics">/metrics</a> — figures for Prometheus</li>
</ul>
</main>
</body>
</html>
`
}

export const welcomeStyle = `
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.6 system-ui, sans-serif; }
main { max-width: 34rem; padding: 2rem; }
h1 { margin: 0 0 0.5rem; font-size: 2rem; letter-spacing: -0.02em; }
p { margin: 0 0 1.25rem; }
ul { margin: 0; padding: 0; list-style: none; }
li { padding: 0.5rem 0; border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent); }
`
