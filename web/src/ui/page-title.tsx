import { Title } from '@mantine/core'
import { type ReactNode, useEffect, useRef } from 'react'

let firstPage = true

/** A page's heading: names the window, and takes the focus when one page follows another. */
interface PageTitleProps {
  children: string
  lead?: ReactNode
  /** A part of a page, such as a dialog: the page keeps its own name. */
  part?: boolean
}

export function PageTitle({ children, lead, part = false }: PageTitleProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    if (!part) document.title = `${children} · Sallyport`
    // A page that was just opened leaves the focus to the browser, or to its first field.
    if (!firstPage && !heading.current?.closest('main, [role=dialog]')?.contains(document.activeElement))
      heading.current?.focus()
    firstPage = false
  }, [children, part])
  return (
    <header>
      <Title order={part ? 2 : 1} ref={heading} tabIndex={-1}>
        {children}
      </Title>
      {lead !== undefined && <p className="sp-lead">{lead}</p>}
    </header>
  )
}
