import type { Store } from '@sallyport/core'
import pg from 'pg'

const channel = 'sallyport_changes'
const retryAfter = 1_000

/**
 * LISTEN and NOTIFY, outside any transaction: an engine that has neither, or a pooler that keeps them from
 * each other, costs nothing but the speed of the news.
 */
export function createAnnouncements(options: {
  url: string
  pool: pg.Pool
  connectTimeout: number
}): Pick<Store, 'announce' | 'onAnnouncement'> {
  const { url, pool, connectTimeout } = options
  return {
    async announce() {
      await pool.query(`NOTIFY ${channel}`).catch(() => undefined)
    },

    onAnnouncement(listener) {
      let stopped = false
      let client: pg.Client | null = null
      let retry: NodeJS.Timeout | undefined

      async function connect(): Promise<void> {
        const own = new pg.Client({
          connectionString: url,
          connectionTimeoutMillis: connectTimeout,
          keepAlive: true,
        })
        client = own
        let lost = false
        const again = () => {
          if (lost) return
          lost = true
          own.end().catch(() => undefined)
          if (!stopped) retry = setTimeout(() => void connect(), retryAfter).unref()
        }
        own.on('error', again)
        own.on('end', again)
        own.on('notification', listener)
        try {
          await own.connect()
          await own.query(`LISTEN ${channel}`)
          // What was announced before may have been missed.
          listener()
        } catch {
          again()
        }
      }

      const connecting = connect()
      return async () => {
        stopped = true
        clearTimeout(retry)
        await connecting
        await client?.end().catch(() => undefined)
      }
    },
  }
}
