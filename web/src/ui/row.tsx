import type { ReactNode } from 'react'

interface RowProps {
  icon: ReactNode
  title: ReactNode
  detail: ReactNode
  actions?: ReactNode
}

/** One thing of a list: what it is, and what can be done with it. */
export function Row({ icon, title, detail, actions }: RowProps) {
  return (
    <li className="sp-row">
      <div className="sp-row-text">
        {icon}
        <div>
          <div className="sp-row-title">{title}</div>
          <div className="sp-row-detail">{detail}</div>
        </div>
      </div>
      {actions !== undefined && <div className="sp-row-actions">{actions}</div>}
    </li>
  )
}
