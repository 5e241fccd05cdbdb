import { ActionIcon, Group, NativeSelect, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { type Language, languages, useSpeech } from '../texts/texts.tsx'
import { MoonIcon, SunIcon } from './icons.tsx'

/** Language, and light or dark. */
export function Switches() {
  const { language, texts, speak } = useSpeech()
  const { setColorScheme } = useMantineColorScheme()
  const scheme = useComputedColorScheme('light')
  return (
    <Group gap="xs" wrap="nowrap">
      <NativeSelect
        aria-label={texts.common.language}
        size="xs"
        variant="unstyled"
        value={language}
        onChange={(event) => speak(event.currentTarget.value as Language)}
        data={Object.entries(languages).map(([value, label]) => ({ value, label }))}
      />
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={scheme === 'dark' ? texts.common.light : texts.common.dark}
        onClick={() => setColorScheme(scheme === 'dark' ? 'light' : 'dark')}
      >
        {scheme === 'dark' ? <SunIcon /> : <MoonIcon />}
      </ActionIcon>
    </Group>
  )
}
