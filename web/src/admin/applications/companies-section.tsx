import { ActionIcon, Button, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useSession } from '../../session/session.tsx'
import { useTexts, useTimes } from '../../texts/texts.tsx'
import { BinIcon, PersonIcon } from '../../ui/icons.tsx'
import { PagesList } from '../../ui/pages-list.tsx'
import { Row } from '../../ui/row.tsx'
import { Section } from '../../ui/section.tsx'
import { ProblemAlert } from '../../ui/states.tsx'
import { useAction } from '../../ui/use-load.ts'
import { usePages } from '../../ui/use-pages.ts'

/** What people can belong to. */
export function CompaniesSection() {
  const { admin } = useTexts()
  const texts = admin.applications
  const times = useTimes()
  const { client } = useSession()
  const [name, setName] = useState('')
  const companies = usePages('', (after) =>
    client.call('GET /api/admin/companies', { query: { limit: 50, ...(after !== undefined && { after }) } }),
  )
  const add = useAction(async () => {
    await client.call('POST /api/admin/companies', { body: { name: name.trim() } })
    setName('')
    await companies.reload()
  })
  const remove = useAction(async (company: string) => {
    await client.call('DELETE /api/admin/companies/:name', { params: { name: company } })
    await companies.reload()
  })
  return (
    <Section title={texts.companies} lead={texts.companiesLead}>
      <form
        className="sp-pad sp-filters"
        style={{ marginTop: 0 }}
        onSubmit={(event) => {
          event.preventDefault()
          void add.run()
        }}
      >
        <TextInput
          {...{ className: 'grow', label: texts.company, required: true, withAsterisk: false }}
          {...{ maxLength: 100, value: name }}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" variant="default" loading={add.busy}>
          {texts.addCompany}
        </Button>
      </form>
      <ProblemAlert error={add.error ?? remove.error} />
      <PagesList pages={companies} empty={texts.noCompanies}>
        {(items) => (
          <ul className="sp-list sp-line">
            {items.map((company) => (
              <Row
                key={company.name}
                icon={
                  <span className="sp-choice-icon">
                    <PersonIcon />
                  </span>
                }
                title={company.name}
                detail={admin.person.since(times.day(company.created_at))}
                actions={
                  <ActionIcon
                    {...{ variant: 'subtle', color: 'red', size: 'lg' }}
                    aria-label={texts.removeCompany(company.name)}
                    onClick={() => void remove.run(company.name)}
                  >
                    <BinIcon size={18} />
                  </ActionIcon>
                }
              />
            ))}
          </ul>
        )}
      </PagesList>
    </Section>
  )
}
