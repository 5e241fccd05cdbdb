import { Button, Stack } from '@mantine/core'
import { Link } from 'wouter'
import { useTexts } from '../texts/texts.tsx'
import { GateFrame } from './gate-frame.tsx'
import { PageTitle } from './page-title.tsx'

export function NotFoundPage() {
  return (
    <GateFrame>
      <NotFound />
    </GateFrame>
  )
}

/** The same, in the frame of a page that there is. */
export function NotFound() {
  const { notFound } = useTexts()
  return (
    <Stack gap="lg" align="flex-start">
      <PageTitle lead={notFound.lead}>{notFound.title}</PageTitle>
      <Button component={Link} href="/">
        {notFound.home}
      </Button>
    </Stack>
  )
}
