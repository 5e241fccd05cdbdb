import {
  createDetector,
  createRapidRequests,
  defaultRapidLimits,
  patterns,
  systemClock,
} from '@sallyport/core'
import { hostileTexts } from '../detector/hostile-texts.ts'
import type { Row } from '../harness.ts'
import { rate } from '../timing.ts'

const agent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'
const request = {
  userAgent: agent,
  path: '/shop/items/4711/reviews',
  query:
    'q=blue+shoes+size+42&order=price&page=3&from=menu&session=3f2504e0-4f89-41d3-9a0c-0305e82c3301&lang=en-GB',
  headers: { referer: 'https://shop.example.org/items?category=shoes&sort=new' },
}

/** Against a loop over the very same expressions, each run over the whole text. */
export function detectorRow(): Row {
  return {
    name: 'detector',
    title: 'judging a request of 300 bytes by its patterns',
    async prepare() {
      const detector = createDetector()
      const isOneTooMany = createRapidRequests(defaultRapidLimits, systemClock)
      const loop = patterns.map(({ expression }) => new RegExp(expression, 'i'))
      const text = `${request.path}?${request.query} ${request.userAgent} ${request.headers.referer}`
      const worst = hostileTexts(1_000_000)
      const contenders = [
        {
          name: 'detector (ours)',
          run: async (ms: number) =>
            rate(ms, () => {
              if (isOneTooMany('192.0.2.1')) return
              if (detector.judge(request).score !== 0) throw new Error('this was no attack')
            }),
        },
        {
          name: 'naive loop',
          run: async (ms: number) =>
            rate(ms, () => {
              let found = 0
              for (const expression of loop) if (expression.test(text)) found++
              if (found === loop.length) throw new Error('not all can be found')
            }),
        },
        {
          name: 'hostile megabytes',
          run: async (ms: number) =>
            rate(ms, (index) => void detector.judge(worst[index % worst.length]!.request)),
        },
      ]
      const claims = [
        { text: 'CPU a request', of: ['detector (ours)', 'CPU µs'], atMost: 5 },
        {
          text: 'ours ÷ naive loop, CPU',
          of: ['detector (ours)', 'CPU µs'],
          per: ['naive loop', 'CPU µs'],
          atMost: 0.5,
        },
        { text: 'CPU a hostile megabyte', of: ['hostile megabytes', 'CPU µs'], atMost: 50_000 },
      ] as const
      return { contenders, claims, close: async () => undefined }
    },
  }
}
