import { type CSSVariablesResolver, createTheme, type MantineColorsTuple } from '@mantine/core'

const accent: MantineColorsTuple = [
  ...(['#effcf9', '#d3f7ef', '#a5eddd', '#6fdec9', '#38c7b0'] as const),
  ...(['#1dab97', '#0f7d70', '#0f6e64', '#115851', '#124944'] as const),
]

const dark: MantineColorsTuple = [
  ...(['#dfe4ea', '#b8c0cb', '#939dab', '#6b7686', '#3b4552'] as const),
  ...(['#2b333e', '#202730', '#151a20', '#101419', '#0b0e12'] as const),
]

const font =
  'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif'

export const theme = createTheme({
  primaryColor: 'accent',
  primaryShade: { light: 7, dark: 6 },
  autoContrast: true,
  colors: { accent, dark },
  fontFamily: font,
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  headings: {
    fontFamily: font,
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '1.625rem', lineHeight: '1.25' },
      h2: { fontSize: '1.1875rem', lineHeight: '1.35' },
      h3: { fontSize: '1rem', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'md' } },
    TextInput: { defaultProps: { size: 'md' } },
    PasswordInput: { defaultProps: { size: 'md' } },
    Modal: { defaultProps: { centered: true, padding: 'lg', radius: 'lg' } },
  },
})

/** Mantine's own greys and reds are too faint for small text (WCAG 2.2, 1.4.3). */
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-text': '#18202a',
    '--mantine-color-dimmed': '#566171',
    '--mantine-color-error': '#c02626',
    '--mantine-color-placeholder': '#6d7786',
    '--sp-ground': '#f5f7f8',
    '--sp-surface': '#ffffff',
    '--sp-line': '#e2e6ea',
    '--sp-soft': '#f1f4f5',
  },
  dark: {
    '--mantine-color-text': '#e4e8ed',
    '--mantine-color-dimmed': '#9ba6b4',
    '--mantine-color-error': '#ff8f8f',
    '--mantine-color-placeholder': '#8792a1',
    '--mantine-color-accent-light': 'rgba(56, 199, 176, 0.14)',
    '--mantine-color-accent-light-hover': 'rgba(56, 199, 176, 0.2)',
    '--mantine-color-accent-light-color': 'var(--mantine-color-accent-3)',
    '--mantine-color-red-light': 'rgba(255, 107, 107, 0.13)',
    '--mantine-color-red-light-hover': 'rgba(255, 107, 107, 0.19)',
    '--mantine-color-red-light-color': '#ffb3b3',
    '--mantine-color-orange-light': 'rgba(255, 169, 77, 0.13)',
    '--mantine-color-orange-light-color': '#ffc078',
    '--sp-ground': '#101419',
    '--sp-surface': '#181d24',
    '--sp-line': '#2b333e',
    '--sp-soft': '#202730',
  },
})
