import {
  type JsonSchema,
  type OpenApi,
  type Operation,
  type ProblemCode,
  problemCodes,
  problemMeanings,
  statusOf,
} from '@sallyport/protocol'

type Named = { method: string; path: string; operation: Operation }

/** The OpenAPI document as a page for people: no script, and its style from a file of its own. */
export function docsPage({ info, tags, paths }: OpenApi): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Named => ({ method, path, operation })),
  )
  const surfaces = tags.map(({ name, description }) => ({
    ...{ name, description },
    operations: operations.filter(({ operation }) => operation.tags[0] === name),
  }))
  const index = surfaces.map(
    ({ name, operations }) =>
      `<details open><summary>${escapeHtml(name)}</summary><ul>${operations.map(indexEntry).join('')}</ul></details>`,
  )
  const problems = problemCodes.toSorted((a, b) => statusOf(a) - statusOf(b))
  const links = [...tags.map(({ name }) => name), 'Problems'].map(
    (name) => `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`,
  )
  const sections = surfaces.map(
    ({ name, description, operations }) => `<section aria-labelledby="${escapeHtml(name)}">
<h2 id="${escapeHtml(name)}">${escapeHtml(name)}</h2>
<p class="lead">${escapeHtml(description)}</p>
${operations.map(article).join('\n')}
</section>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Sallyport API ${escapeHtml(info.version)}</title>
<link rel="stylesheet" href="/docs.css">
</head>
<body>
<a class="skip" href="#top">Skip to the calls</a>
<header>
<h1><a href="/">Sallyport</a> API</h1>
<p>Version ${escapeHtml(info.version)} · <a href="/openapi.json">openapi.json</a></p>
</header>
<div class="frame">
<nav aria-label="Calls"><p class="surfaces">${links.join(' ')}</p>
${index.join('\n')}</nav>
<main id="top">
<p class="lead">${prose(info.description)}</p>
${sections.join('\n')}
<section aria-labelledby="Problems">
<h2 id="Problems">Problems</h2>
<p class="lead">Every error is <code>application/problem+json</code> with one of these codes.</p>
<dl class="problems">${problems.map(problemEntry).join('')}</dl>
</section>
</main>
</div>
</body>
</html>
`
}

function indexEntry({ method, path, operation }: Named): string {
  return `<li><a href="#${escapeHtml(operation.operationId)}">${badge(method)} ${pathText(path)}</a></li>`
}

function article({ method, path, operation }: Named): string {
  const { operationId, summary, parameters = [], requestBody, responses } = operation
  const { 200: done, ...problems } = responses
  const [media, answer] = Object.entries(done!.content)[0]!
  const body = requestBody?.content['application/json']?.schema
  const query = parameters.map((parameter) => [parameter.name, parameter] as const)
  const asked: JsonSchema = {
    type: 'object',
    properties: Object.fromEntries(
      query.map(([name, { schema, description }]) => [
        name,
        { ...schema, ...(description !== undefined && { description }) },
      ]),
    ),
    required: query.filter(([, { required }]) => required).map(([name]) => name),
  }
  const parts = [
    query.length > 0 ? part('In the address', asked) : '',
    body ? part(requestBody?.required ? 'Body' : 'Body, if any', body) : '',
    media === 'application/json'
      ? part('Answer', answer.schema)
      : `<h4>Answer</h4><p>${escapeHtml(media)}</p>`,
  ]
  return `<article id="${escapeHtml(operationId)}">
<h3>${badge(method)} ${pathText(path)}</h3>
<p>${prose(summary)}</p>
<p class="access">${prose(accessText[operation['x-access']] ?? keyText(operation['x-access']))}</p>
${parts.join('\n')}
<h4>Problems</h4>
<p class="codes">${Object.entries(problems).map(codesOf).join('')}</p>
</article>`
}

function part(title: string, schema: JsonSchema): string {
  return `<h4>${title}</h4><pre tabindex="0"><code>${typeText(schema, 0)}</code></pre>`
}

const accessText: Record<string, string> = {
  public: 'Open to anybody.',
  pending: 'Needs the `temp_token` of an attempt, in the body.',
  session: 'Needs an access token or the session cookie.',
  enrolling: 'Needs an access token, the session cookie, or an enrolment token.',
  proven: 'Needs an access token or the session cookie, with fresh proof where a factor is enrolled.',
  admin: 'Needs an access token or the session cookie of an administrator.',
  proven_admin: 'Needs an access token or the session cookie of an administrator, with fresh proof.',
}

const keyText = (access: string) => `Needs an API key with the scope \`${access.replace('key:', '')}\`.`

/** Codes that any call may answer are left to the list at the end. */
function codesOf([status, { content }]: [string, Operation['responses'][string]]): string {
  const codes = Object.values(content)[0]?.schema.allOf?.[1]?.properties?.code?.enum ?? []
  if (Number(status) >= 500) return ''
  return codes
    .map(
      (code) =>
        `<a href="#problem-${escapeHtml(String(code))}"><b>${status}</b> ${escapeHtml(String(code))}</a> `,
    )
    .join('')
}

function problemEntry(code: ProblemCode): string {
  return `<div id="problem-${code}"><dt><b>${statusOf(code)}</b> <code>${code}</code></dt><dd>${prose(problemMeanings[code])}</dd></div>`
}

/** A schema as one would write it as a type, with what else it says in comments. */
function typeText(schema: JsonSchema, depth: number): string {
  const { anyOf, oneOf, enum: values, items, properties, additionalProperties } = schema
  const options = anyOf ?? oneOf
  if (options) return options.map((option) => typeText(option, depth)).join('<i> or </i>')
  if (values) return values.map(literal).join('<i> | </i>')
  if (schema.const !== undefined) return literal(schema.const)
  if (items) return `[ ${typeText(items, depth)}<i>, … ]</i>`
  if (properties) return objectText(schema, depth)
  if (typeof additionalProperties === 'object')
    return `{ <i>name:</i> ${typeText(additionalProperties, depth)} }`
  const kinds = [schema.type ?? 'anything'].flat().map((kind) => `<b>${escapeHtml(kind)}</b>`)
  return kinds.join('<i> | </i>')
}

function objectText({ properties = {}, required = [] }: JsonSchema, depth: number): string {
  const indent = '  '.repeat(depth + 1)
  const lines = Object.entries(properties).map(([name, field]) => {
    const optional = required.includes(name) ? '' : '?'
    return `${indent}<span>${escapeHtml(name)}</span>${optional}: ${typeText(field, depth + 1)}${commentOf(field)}\n`
  })
  return lines.length === 0 ? '{}' : `{\n${lines.join('')}${'  '.repeat(depth)}}`
}

function commentOf(schema: JsonSchema): string {
  const { description, default: preset, minLength, maxLength, minimum, maximum } = schema
  const remarks = [
    description,
    range(minLength, maxLength, ' characters'),
    range(minimum, maximum, ''),
    preset === undefined ? undefined : `${JSON.stringify(preset)} when absent`,
  ].filter((remark) => remark !== undefined)
  return remarks.length === 0 ? '' : `  <em>${escapeHtml(remarks.join('; '))}</em>`
}

function range(low: number | undefined, high: number | undefined, unit: string): string | undefined {
  if (high === undefined) return low === undefined ? undefined : `at least ${low}${unit}`
  return low === undefined ? `at most ${high}${unit}` : `${low} to ${high}${unit}`
}

const literal = (value: unknown) => `<kbd>${escapeHtml(JSON.stringify(value))}</kbd>`
const badge = (method: string) => `<span class="method ${method}">${method.toUpperCase()}</span>`

/** A long path may break at its slashes. */
const pathText = (path: string) => `<code class="path">${escapeHtml(path).replaceAll('/', '<wbr>/')}</code>`

const prose = (text: string) => escapeHtml(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>')

const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escapeHtml = (text: string) => text.replaceAll(/[&<>"']/g, (sign) => entities[sign]!)
