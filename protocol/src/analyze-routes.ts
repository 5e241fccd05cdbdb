import { z } from 'zod'
import { defineRoutes } from './route.ts'
import { nothing } from './shapes.ts'

const longest = 65_536

/** `/api/security/analyze`: an application has requests of its own judged. */
export const analyzeRoutes = defineRoutes({
  analyze: {
    method: 'POST',
    path: '/api/security/analyze',
    summary:
      "Judge a request that the application received. With the scope security:write a suspicious one counts toward blocking its address; nothing in this call is held against the application's own.",
    access: 'key:security:read',
    params: nothing,
    query: nothing,
    body: z.strictObject({
      ip_address: z.string().min(1).max(64),
      user_agent: z.string().max(8_192).nullish(),
      method: z.string().min(1).max(32),
      path: z.string().max(longest).meta({ description: 'as it came, without the query, not decoded' }),
      query: z
        .union([z.string().max(longest), z.record(z.string(), z.unknown())])
        .nullish()
        .meta({ description: 'as it came, not decoded, or an object of what it held' }),
      body: z.unknown().optional().meta({ description: 'JSON, or text as it came' }),
    }),
    answer: z.object({
      score: z.number().int().min(0).max(100),
      categories: z
        .record(z.string(), z.number().int())
        .meta({ description: 'scanner, sqli, xss, traversal, command: the score of each that was found' }),
      patterns: z.array(z.string()).meta({ description: 'the names of what was found' }),
      action: z.enum(['allow', 'suspect', 'block']),
    }),
    problems: [],
  },
})
