const every = 30_000
const unused = 15 * 60_000

/**
 * Looks whether the session is still in force: when the page is come back to, and now and then while it is
 * used. Who was signed out from elsewhere is told so without a click; and a page that was left open renews
 * nothing, so that it keeps no session alive by itself.
 */
export function watchSession(look: () => Promise<unknown>): () => void {
  let usedAt = Date.now()
  const onUse = () => {
    usedAt = Date.now()
  }
  // What stands in the way of looking is said where something is done.
  const lookNow = () => {
    if (document.visibilityState === 'visible') void look().catch(() => undefined)
  }
  const onSight = () => {
    onUse()
    lookNow()
  }
  const timer = setInterval(() => {
    if (Date.now() - usedAt < unused) lookNow()
  }, every)
  addEventListener('focus', onSight)
  addEventListener('pointerdown', onUse)
  addEventListener('keydown', onUse)
  document.addEventListener('visibilitychange', onSight)
  return () => {
    clearInterval(timer)
    removeEventListener('focus', onSight)
    removeEventListener('pointerdown', onUse)
    removeEventListener('keydown', onUse)
    document.removeEventListener('visibilitychange', onSight)
  }
}
