import '@mantine/core/styles.layer.css'
import './styles.css'
import { MantineProvider } from '@mantine/core'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { SessionProvider } from './session/session.tsx'
import { loadTexts, preferredLanguage, SpeechProvider } from './texts/texts.tsx'
import { cssVariablesResolver, theme } from './theme.ts'
import { keepFocus } from './ui/keep-focus.ts'

// The page's policy lets in no style but those that carry this.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''
// Where the part of Mantine's dialogs that holds the page still looks for it.
Object.assign(globalThis, { __webpack_nonce__: nonce })

keepFocus()
const language = preferredLanguage()
const texts = await loadTexts(language)

createRoot(document.querySelector('#root')!).render(
  <MantineProvider
    theme={theme}
    cssVariablesResolver={cssVariablesResolver}
    defaultColorScheme="auto"
    getStyleNonce={() => nonce}
  >
    <SpeechProvider language={language} texts={texts}>
      <SessionProvider>
        <App />
      </SessionProvider>
    </SpeechProvider>
  </MantineProvider>,
)
