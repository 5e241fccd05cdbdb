import { useTexts } from '../texts/texts.tsx'
import { PageTitle } from '../ui/page-title.tsx'

export function SecurityPage() {
  const { security } = useTexts()
  return <PageTitle lead={security.lead}>{security.title}</PageTitle>
}
