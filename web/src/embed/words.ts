import * as de from '../texts/de.ts'
import * as en from '../texts/en.ts'

// Named one by one, so that what other pages say stays out of the file.
const all = {
  en: { common: en.common, methods: en.methods, verify: en.verify, setup: en.setup, problems: en.problems },
  de: { common: de.common, methods: de.methods, verify: de.verify, setup: de.setup, problems: de.problems },
}

export type Words = (typeof all)['en']

/** The language of the part of the page that the element stands in, or else the reader's own. */
export function wordsFor(element: Element): { language: 'en' | 'de'; words: Words } {
  const said = element.closest('[lang]')?.getAttribute('lang') || navigator.language
  const language = said.toLowerCase().startsWith('de') ? 'de' : 'en'
  return { language, words: all[language] }
}
