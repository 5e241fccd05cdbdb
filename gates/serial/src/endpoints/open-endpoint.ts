import type { EndpointConfig } from '../config/endpoint-config.ts'
import type { Endpoint } from './line.ts'
import { createTcpEndpoint } from './tcp-endpoint.ts'
import { createTtyEndpoint } from './tty-endpoint.ts'

export function endpointOf(config: EndpointConfig): Endpoint {
  return config.path.startsWith('tcp://') ? createTcpEndpoint(config) : createTtyEndpoint(config)
}
