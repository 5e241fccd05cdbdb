import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import { en, type Texts } from './en.ts'

export const languages = { en: 'English', de: 'Deutsch' } as const
export type Language = keyof typeof languages

const loaders: Record<Language, () => Promise<Texts>> = {
  en: async () => en,
  de: async () => (await import('./de.ts')).de,
}

const storageKey = 'sallyport.language'

interface Speech {
  language: Language
  texts: Texts
  speak(language: Language): void
}

const SpeechContext = createContext<Speech | null>(null)

/** The language that was chosen here before, or else the browser's first one that there is. */
export function preferredLanguage(): Language {
  const wanted = [localStorage.getItem(storageKey) ?? '', ...navigator.languages]
  const known = wanted.map((tag) => tag.slice(0, 2).toLowerCase())
  return known.find((tag): tag is Language => tag in languages) ?? 'en'
}

export const loadTexts = (language: Language) => loaders[language]()

export function SpeechProvider(props: { language: Language; texts: Texts; children: ReactNode }) {
  const [spoken, setSpoken] = useState({ language: props.language, texts: props.texts })
  useEffect(() => {
    document.documentElement.lang = spoken.language
  }, [spoken.language])
  const speech = useMemo(
    () => ({
      ...spoken,
      speak(language: Language) {
        localStorage.setItem(storageKey, language)
        void loadTexts(language).then((texts) => setSpoken({ language, texts }))
      },
    }),
    [spoken],
  )
  return <SpeechContext value={speech}>{props.children}</SpeechContext>
}

export function useSpeech(): Speech {
  const speech = useContext(SpeechContext)
  if (!speech) throw new Error('no SpeechProvider above')
  return speech
}

/** Every text of the pages, in the language chosen. */
export const useTexts = () => useSpeech().texts

/** Times as people write them in the language chosen. */
export function useTimes() {
  const { language } = useSpeech()
  return useMemo(() => {
    const variant =
      navigator.languages.find((tag) => tag.toLowerCase().startsWith(`${language}-`)) ?? language
    const day = new Intl.DateTimeFormat(variant, { dateStyle: 'medium' })
    const moment = new Intl.DateTimeFormat(variant, { dateStyle: 'medium', timeStyle: 'short' })
    const clock = new Intl.DateTimeFormat(variant, { timeStyle: 'short' })
    const distance = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
    const read = (at: string | Date) => new Date(at)
    return {
      day: (at: string | Date) => day.format(read(at)),
      moment: (at: string | Date) => moment.format(read(at)),
      clock: (at: string | Date) => clock.format(read(at)),
      /** "5 minutes ago"; a date once that says more. */
      ago(at: string | Date) {
        const minutes = Math.round((read(at).getTime() - Date.now()) / 60_000)
        if (Math.abs(minutes) < 60) return distance.format(minutes, 'minute')
        if (Math.abs(minutes) < 24 * 60) return distance.format(Math.round(minutes / 60), 'hour')
        return Math.abs(minutes) < 7 * 24 * 60
          ? distance.format(Math.round(minutes / (24 * 60)), 'day')
          : day.format(read(at))
      },
    }
  }, [language])
}
