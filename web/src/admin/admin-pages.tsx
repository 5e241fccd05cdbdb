import { useTexts } from '../texts/texts.tsx'
import { PageTitle } from '../ui/page-title.tsx'

/** What administrators see: loaded when they go there. */
export function AdminPages() {
  const { admin } = useTexts()
  return <PageTitle>{admin.title}</PageTitle>
}
