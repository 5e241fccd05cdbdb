import { Badge } from '@mantine/core'
import type { Answer } from '@sallyport/sdk'
import { useTexts } from '../../texts/texts.tsx'

export type User = Answer<'GET /api/admin/users'>['items'][number]

const colours = {
  ...{ invited: 'gray', enrolled: 'accent', grace: 'orange', must_enrol: 'red', optional: 'gray' },
}

/** How somebody stands, in a word or three. */
export function StatusBadges({ user }: { user: User }) {
  const { states } = useTexts().admin.people
  const badge = (state: keyof typeof states, color: string) => (
    <Badge key={state} variant="light" tt="none" color={color}>
      {states[state]}
    </Badge>
  )
  return (
    <>
      {badge(user.status, colours[user.status])}
      {user.locked && badge('locked', 'red')}
      {user.disabled_at !== null && badge('disabled', 'red')}
    </>
  )
}
