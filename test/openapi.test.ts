import { createHttpGate, type GateServices } from '@sallyport/gate-http'
import * as protocol from '@sallyport/protocol'
import { type JsonSchema, type OpenApi, operatorRoutes, problemCodes, type Route } from '@sallyport/protocol'
import { describe, expect, it } from 'vitest'
import { faultsOf, resolveRef } from './fuzz/json-schema.ts'

const config = {
  ...{
    version: '1.2.3',
    issuer: 'test',
    publicUrl: 'http://127.0.0.1',
    trustedProxies: [],
    secureCookies: false,
  },
  ...{
    totpIssuer: 'Test',
    settings: {},
    pages: null,
    roles: [],
    policySource: 'default' as const,
    blockFor: 1,
  },
}
// What is looked at here is served without any of the other services.
const suspicion = { judge: () => ({ action: 'allow' }), count: () => undefined }
const services = {
  clock: { now: () => 0 },
  readiness: {},
  suspicion,
  blocks: { find: () => null },
} as unknown as GateServices
const gate = createHttpGate(config, services)
const get = async (path: string) => gate.fetch(new Request(`http://127.0.0.1${path}`))
const document = (await (await get('/openapi.json')).json()) as OpenApi

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)
const callOf = (method: string, path: string) =>
  `${method.toUpperCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`
const documented = operations.map(({ method, path }) => callOf(method, path)).sort()

/** Every table of routes that the protocol has, whatever it is called: a new one is looked at by itself. */
const tables = Object.entries(protocol).filter(([name]) => name.endsWith('Routes'))
const routes = tables.flatMap(([, table]) => Object.values(table as unknown as Record<string, Route>))

/** Every object inside a value, with the path to it. */
function* within(value: unknown, path = '#'): Generator<[string, Record<string, unknown>]> {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) yield [path, value as Record<string, unknown>]
  for (const [name, inner] of Object.entries(value)) yield* within(inner, `${path}/${name}`)
}

describe('the OpenAPI document', () => {
  it('holds every route of the tables, and no other', () => {
    expect(tables.length).toBeGreaterThanOrEqual(4)
    expect(documented).toEqual(routes.map(({ method, path }) => callOf(method, path)).sort())
  })

  it('holds whatever is served, but for pages and their files', async () => {
    const served = new Set(gate.routes.map(({ method, path }) => callOf(method, path)))
    expect(documented.filter((call) => !served.has(call))).toEqual([])
    const others = [...served].filter((call) => !documented.includes(call))
    for (const call of others) {
      const [method, path] = call.split(' ')
      expect(method).toBe('GET')
      expect((await get(path!)).headers.get('content-type')).not.toContain('json')
    }
  })

  it('names its version and dialect', () => {
    expect(document).toMatchObject({
      openapi: '3.1.0',
      jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
      info: { title: 'Sallyport', version: '1.2.3' },
    })
  })

  it('has only references that lead somewhere, and only known keywords in its schemas', () => {
    const schemas = [...within(document)].filter(([, value]) => typeof value.$ref === 'string')
    expect(schemas.length).toBeGreaterThan(0)
    for (const [, { $ref }] of schemas) expect(() => resolveRef(document, $ref as string)).not.toThrow()
    // Zod puts what several schemas share here; nothing of ours would look for it.
    expect([...within(document)].filter(([, value]) => '$defs' in value)).toEqual([])
  })

  it.each(operations)('describes $method $path by the rules of OpenAPI', ({ method, path, operation }) => {
    const { parameters = [], requestBody, responses, security, tags, summary } = operation
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const inPath = parameters.filter((parameter) => parameter.in === 'path')
    expect(inPath.map(({ name }) => name).sort()).toEqual(named.sort())
    expect(inPath.every(({ required }) => required)).toBe(true)
    expect(document.tags.map(({ name }) => name)).toContain(tags[0])
    expect(summary).toMatch(/^[A-Z].*\.$/)
    if (method === 'get') expect(requestBody).toBeUndefined()
    const schemes = security.flatMap((requirement) => Object.keys(requirement))
    for (const scheme of schemes) expect(document.components.securitySchemes).toHaveProperty(scheme)
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['200', '500']))
    for (const [status, { description, content }] of Object.entries(responses)) {
      expect(description).not.toBe('')
      if (status !== '200') expect(Object.keys(content)).toEqual(['application/problem+json'])
    }
    if (schemes.length > 0) expect(responses).toHaveProperty('401')
  })

  it('gives every call an id of its own', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z0-9_]*$/)
  })

  it('closes requests and leaves answers open', () => {
    for (const { operation } of operations) {
      const body = operation.requestBody?.content['application/json']?.schema
      if (body) expect(body.additionalProperties).toBe(false)
      const answers = [...within(operation.responses)].map(([, value]) => value as JsonSchema)
      expect(answers.filter(({ additionalProperties }) => additionalProperties === false)).toEqual([])
    }
  })

  it('lists every code of a problem, and the problem that the gate answers fits it', async () => {
    expect(document.components.schemas.Problem?.properties?.code?.enum).toEqual(problemCodes)
    const answer = await get('/nothing/here')
    const problem: JsonSchema = { $ref: '#/components/schemas/Problem' }
    expect(answer.status).toBe(404)
    expect(faultsOf(await answer.json(), problem, { document, closed: true })).toEqual([])
  })
})

describe('/docs', async () => {
  const answer = await get('/docs')
  const html = await answer.text()

  it('shows every call and every code', () => {
    for (const { operation } of operations) expect(html).toContain(`<article id="${operation.operationId}">`)
    for (const code of problemCodes) expect(html).toContain(`<div id="problem-${code}">`)
    expect(html.match(/<article /g)).toHaveLength(operations.length)
  })

  it('has links that lead somewhere, and asks for nothing but its style', async () => {
    const ids = new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
    for (const [, target] of html.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target)
    const others = [...html.matchAll(/(?:href|src)="([^#"][^"]*)"/g)].map(([, target]) => target!)
    expect(new Set(others)).toEqual(new Set(['/docs.css', '/', operatorRoutes.openApi.path]))
    for (const path of others) expect((await get(path)).status).toBe(200)
    expect((await get('/docs.css')).headers.get('content-type')).toMatch('text/css')
  })

  it('needs no script and no style of its own', () => {
    expect(html).not.toMatch(/<script|<style| style=| on\w+=|javascript:/i)
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'; style-src 'self'")
  })
})
