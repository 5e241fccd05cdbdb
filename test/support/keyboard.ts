import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { phoneOf } from './open-pages.ts'

interface Focus {
  /** As the browser tells assistive technology. */
  name: string
  role: string
  /** Whether one sees where it is; of headings and the like, that only a script focuses, nothing is asked. */
  seen: boolean
  lost: boolean
}

/** Looks at what has the focus. A field shows it by its border, everything else by an outline. */
const look = `(() => {
  const { activeElement: one, body } = document
  if (one === body || one === null) return { name: '', role: '', seen: true, lost: true }
  const outlined = (node) => {
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(node)
    return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 && !outlineColor.endsWith(', 0)')
  }
  // Read and not tried out on an element: whatever is put into the page makes it look after its focus.
  const hex = getComputedStyle(document.documentElement).getPropertyValue('--mantine-primary-color-filled')
  const accent = 'rgb(' + hex.trim().slice(1).match(/../g).map((two) => parseInt(two, 16)).join(', ') + ')'
  const around = [one, one.parentElement, ...one.parentElement.children]
  const bordered = () => around.some((node) => getComputedStyle(node).borderTopColor === accent)
  const field = one.matches('input:not([type=checkbox], [type=radio]), textarea, select')
  const box = one.getBoundingClientRect()
  const inView = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth
  const ring = outlined(one) || (field && bordered()) ||
    (one.matches('[type=radio]') && outlined(one.nextElementSibling))
  return {
    name: one.computedName, role: one.computedRole, lost: false,
    seen: one.tabIndex < 0 && !one.matches('[role=menuitem]') ? true : inView && ring,
  }
})()`

/**
 * Hands that have a keyboard and nothing else: they find a thing by going on with Tab until it has the focus.
 * Each step fails where the focus was dropped to the top of the page, or cannot be seen.
 */
export function keyboardOf(page: Page) {
  const focus = () => page.evaluate<Focus>(look)
  // A page that was just loaded has the focus at its top.
  let opened = true
  page.on('load', () => {
    opened = true
  })

  /** Where one is now; waits for what is being drawn. */
  const standing = () =>
    expect
      .poll(focus, { interval: 50, timeout: 20_000, message: 'the focus is somewhere, and seen' })
      .toMatchObject({ lost: false, seen: true })

  const press = (key: string) => page.keyboard.press(key)

  async function goTo(wanted: string | RegExp, key = 'Tab'): Promise<void> {
    const passed: string[] = []
    const isIt = ({ name }: Focus) => (typeof wanted === 'string' ? name === wanted : wanted.test(name))
    if (!opened) await standing()
    opened = false
    // Past the last thing of a page comes the browser's own, then the first of the page again.
    for (let presses = 0, ends = 0; presses < 150; presses++) {
      await press(key)
      const now = await focus()
      if (now.lost && ++ends > 1) break
      passed.push(`${now.role} ${now.name}`)
      if (!now.lost && !now.seen) await standing()
      if (!now.lost && isIt(now)) return
    }
    throw new Error(`the keyboard does not reach ${wanted}: ${passed.join(', ')}`)
  }

  return {
    press,
    type: (text: string) => page.keyboard.type(text),
    goTo,
    /** Waits until this has the focus by itself: the page put it there. */
    async stands(wanted: string | RegExp) {
      const matching = typeof wanted === 'string' ? wanted : expect.stringMatching(wanted)
      await expect
        .poll(focus, { interval: 50, timeout: 20_000 })
        .toMatchObject({ name: matching, lost: false, seen: true })
    },
    async enter(wanted: string | RegExp, key?: string) {
      await goTo(wanted, key)
      await press('Enter')
    },
    async tick(wanted: string | RegExp) {
      await goTo(wanted)
      await press('Space')
    },
    /** Into a field, in the place of what is there. */
    async fill(wanted: string | RegExp, text: string) {
      await goTo(wanted)
      await press('Control+A')
      await page.keyboard.type(text)
    },
  }
}

export type Keyboard = ReturnType<typeof keyboardOf>

export async function typePassword(keys: Keyboard, email: string, password: string) {
  await keys.stands('E-mail address')
  await keys.type(email)
  await keys.goTo('Password')
  await keys.type(password)
  await keys.press('Enter')
}

/** From the choice of factors to the end of the wizard, with the secret as it is written there. */
export async function setUpPhone(keys: Keyboard, page: Page) {
  await keys.enter(/^Authenticator app/)
  await keys.stands('Six-digit code')
  const secret = (await page.locator('.sp-secret').textContent())!.replaceAll(' ', '')
  await keys.type(await phoneOf(secret).code())
  await keys.stands('Save your backup codes')
  await keepCodes(keys)
}

export async function keepCodes(keys: Keyboard) {
  await keys.tick(/^I have saved these codes/)
  await keys.enter('Finish')
}

export async function leave(keys: Keyboard) {
  await keys.enter('Your account', 'Shift+Tab')
  // The menu itself, then what is in it.
  await keys.stands('')
  await keys.press('ArrowDown')
  await keys.stands('Sign out')
  await keys.press('Enter')
  await keys.stands('E-mail address')
}
