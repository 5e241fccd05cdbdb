import { Button, Stack } from '@mantine/core'
import { Link } from 'wouter'
import { useTexts } from '../texts/texts.tsx'
import { GateFrame } from './gate-frame.tsx'
import { PageTitle } from './page-title.tsx'

export function NotFoundPage() {
  const { notFound } = useTexts()
  return (
    <GateFrame>
      <Stack gap="lg">
        <PageTitle lead={notFound.lead}>{notFound.title}</PageTitle>
        <Button component={Link} href="/">
          {notFound.home}
        </Button>
      </Stack>
    </GateFrame>
  )
}
