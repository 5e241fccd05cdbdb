import { Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

let firstPage = true

/** A page's heading: names the window, and takes the focus when one page follows another. */
export function PageTitle({ children, lead }: { children: string; lead?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${children} · Sallyport`
    // A page that was just opened leaves the focus to the browser, or to its first field.
    if (!firstPage && !heading.current?.closest('main')?.contains(document.activeElement))
      heading.current?.focus()
    firstPage = false
  }, [children])
  return (
    <header>
      <Title order={1} ref={heading} tabIndex={-1}>
        {children}
      </Title>
      {lead !== undefined && <p className="sp-lead">{lead}</p>}
    </header>
  )
}
