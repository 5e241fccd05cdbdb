export type { Answer, Body, Call, Params, Query } from './calls.ts'
export { type Client, type ClientOptions, createClient } from './client.ts'
export { ProblemError } from './problem-error.ts'
