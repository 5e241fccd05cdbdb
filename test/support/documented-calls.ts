import type { OpenApi, Operation } from '@sallyport/protocol'
import { type PopulatedServer, startPopulatedServer } from './populated-server.ts'

/** A call of the OpenAPI document, with a path that names nothing there is. */
export interface DocumentedCall {
  name: string
  method: string
  path: string
  operation: Operation
  access: Operation['x-access']
}

/** A populated server, every call that it documents, and a token of each kind: tests walk all of them. */
export async function startDocumentedServer() {
  const server = await startPopulatedServer()
  const document = (await server.call('GET', '/openapi.json')).body as OpenApi
  const calls = Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, operation]): DocumentedCall => {
      const path = template.replaceAll(/\{\w+\}/g, 'nothing')
      const name = `${method.toUpperCase()} ${template}`
      return { name, method: method.toUpperCase(), path, operation, access: operation['x-access'] }
    }),
  )
  return { server, document, calls, tokens: await makeTokens(server) }
}

async function makeTokens(server: PopulatedServer) {
  return {
    pending: await server.pendingToken(),
    enrolling: await server.enrolmentToken(),
    bob: (await server.signIn('bob')).access,
    ada: (await server.signIn('ada')).access,
  }
}
