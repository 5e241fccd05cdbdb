import { Button, Center } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTexts } from '../texts/texts.tsx'
import { Empty, Failed, Loading, ProblemAlert } from './states.tsx'
import type { usePages } from './use-pages.ts'

interface PagesListProps<T> {
  pages: ReturnType<typeof usePages<T>>
  empty: string
  children(items: T[]): ReactNode
}

/** A list in pages, in whichever state it is. */
export function PagesList<T>({ pages, empty, children }: PagesListProps<T>) {
  const { common } = useTexts()
  if (pages.status === 'loading') return <Loading />
  if (pages.status === 'failed') return <Failed error={pages.error} onRetry={pages.reload} />
  return (
    <>
      {pages.data.length > 0 ? children(pages.data) : <Empty>{pages.more ? common.lookOn : empty}</Empty>}
      {pages.more && (
        <Center p="md">
          <ProblemAlert error={pages.more.error} />
          <Button
            {...{ variant: 'default', size: 'sm', loading: pages.more.busy }}
            onClick={() => void pages.more?.run()}
          >
            {common.more}
          </Button>
        </Center>
      )}
    </>
  )
}
