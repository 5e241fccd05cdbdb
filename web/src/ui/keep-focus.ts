const places = 'section, main, [role=dialog]'
/** Of Mantine's buttons, which are disabled as long. */
const working = '[data-loading]'
/** How far back it is looked for what had the focus before a dialog, or dialogs over one another, took it. */
const longest = 30

/**
 * Browsers drop the focus to the top of the page when what has it is disabled or taken away: a button while it
 * works, a row that it removed, a dialog that is done. This puts it back: onto the button once it can be
 * pressed again, else onto the heading of the part where it was, else to where it was before the dialog.
 * (WCAG 2.2, 2.4.3.)
 */
export function keepFocus(): void {
  const trail: { element: HTMLElement; around: HTMLElement[] }[] = []
  let dropped = false
  let checking = false

  function putBack(): void {
    checking = false
    if (document.activeElement !== document.body) return
    for (let last = trail.at(-1); last; trail.pop(), last = trail.at(-1)) {
      const { element, around } = last
      if (isUsable(element)) {
        // Let go of by hand, where nothing was done to it.
        if (dropped) element.focus({ preventScroll: true })
        return
      }
      dropped = true
      if (element.isConnected && element.matches(working)) return
      const place = around.find(({ isConnected }) => isConnected)
      if (place) {
        // What is still being loaded has none yet.
        const heading = place.querySelector<HTMLElement>('h1, h2')
        if (heading) heading.tabIndex = -1
        heading?.focus({ preventScroll: true })
        return
      }
    }
  }

  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement)) return
    dropped = false
    trail.push({ element: target, around: placesAround(target) })
    if (trail.length > longest) trail.shift()
  })
  new MutationObserver(() => {
    const last = trail.at(-1)?.element
    if (last && !isUsable(last)) dropped = true
    if (checking) return
    checking = true
    // The browser drops the focus of what was disabled when it next draws.
    requestAnimationFrame(() => setTimeout(putBack))
  }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled', 'data-loading'] })
}

const isUsable = (element: HTMLElement) => element.isConnected && !element.matches(`:disabled, ${working}`)

function placesAround(element: HTMLElement): HTMLElement[] {
  const around: HTMLElement[] = []
  for (
    let at = element.closest<HTMLElement>(places);
    at;
    at = at.parentElement?.closest<HTMLElement>(places) ?? null
  )
    around.push(at)
  return around
}
