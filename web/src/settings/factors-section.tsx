import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useSession } from '../session/session.tsx'
import { useTexts, useTimes } from '../texts/texts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { BinIcon, PenIcon } from '../ui/icons.tsx'
import { MethodIcon } from '../ui/method-icon.tsx'
import { Row } from '../ui/row.tsx'
import { Section } from '../ui/section.tsx'
import { Empty, ProblemAlert } from '../ui/states.tsx'
import { useAction } from '../ui/use-load.ts'
import type { Factor, Status } from './status.ts'

interface FactorsSectionProps {
  status: Status
  onAdd(): void
  onChanged(): Promise<void>
}

export function FactorsSection({ status, onAdd, onChanged }: FactorsSectionProps) {
  const { security } = useTexts()
  const [open, setOpen] = useState<{ what: 'rename' | 'remove'; factor: Factor } | null>(null)
  const factors = status.factors.filter(({ type }) => type !== 'backup')
  const close = async () => {
    setOpen(null)
    await onChanged()
  }
  const Open = open?.what === 'rename' ? RenameDialog : RemoveDialog
  return (
    <Section
      title={security.factors}
      action={
        <Button variant="light" size="sm" onClick={onAdd}>
          {security.add}
        </Button>
      }
    >
      {factors.length === 0 && <Empty>{security.noFactors}</Empty>}
      <ul className="sp-list">
        {factors.map((factor) => (
          <FactorRow
            key={factor.id}
            factor={factor}
            onRename={() => setOpen({ what: 'rename', factor })}
            onRemove={() => setOpen({ what: 'remove', factor })}
          />
        ))}
      </ul>
      {open && (
        <Open
          factor={open.factor}
          last={factors.length === 1}
          onClose={() => void close()}
          onAdd={() => {
            setOpen(null)
            onAdd()
          }}
        />
      )}
    </Section>
  )
}

interface FactorRowProps {
  factor: Factor
  onRename(): void
  onRemove(): void
}

function FactorRow({ factor, onRename, onRemove }: FactorRowProps) {
  const { security, methods } = useTexts()
  const times = useTimes()
  const { name, type, enrolled_at: added, last_used_at: used } = factor
  const facts = [
    ...(name === methods[type].name ? [] : [methods[type].name]),
    ...(added === null ? [] : [security.added(times.day(added))]),
    used === null ? security.neverUsed : security.lastUsed(times.ago(used)),
  ]
  return (
    <Row
      icon={<MethodIcon method={type} />}
      title={name}
      detail={facts.join(' · ')}
      actions={
        <>
          <ActionIcon
            {...{ variant: 'subtle', color: 'gray', size: 'lg' }}
            aria-label={security.rename(name)}
            onClick={onRename}
          >
            <PenIcon size={18} />
          </ActionIcon>
          <ActionIcon
            {...{ variant: 'subtle', color: 'red', size: 'lg' }}
            aria-label={security.remove(name)}
            onClick={onRemove}
          >
            <BinIcon size={18} />
          </ActionIcon>
        </>
      }
    />
  )
}

interface DialogProps {
  factor: Factor
  /** The only one besides backup codes. */
  last: boolean
  onClose(): void
  onAdd(): void
}

function RenameDialog({ factor, onClose }: DialogProps) {
  const { security, common } = useTexts()
  const { client } = useSession()
  const [name, setName] = useState(factor.name)
  const { run, busy, error } = useAction(async () => {
    await client.call('PATCH /auth/mfa/factors/:id', { params: { id: factor.id }, body: { name } })
    onClose()
  })
  return (
    <Dialog onClose={onClose} title={security.renameTitle}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <Stack gap="md">
          <TextInput
            {...{ label: security.name, maxLength: 64, required: true, withAsterisk: false }}
            value={name}
            data-autofocus
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <ProblemAlert error={error} />
          <Button type="submit" loading={busy}>
            {common.save}
          </Button>
        </Stack>
      </form>
    </Dialog>
  )
}

function RemoveDialog({ factor, last, onClose, onAdd }: DialogProps) {
  const { security, common } = useTexts()
  const { client } = useSession()
  const { run, busy, error } = useAction(async () => {
    await client.call('DELETE /auth/mfa/factors/:id', { params: { id: factor.id } })
    onClose()
  })
  return (
    <Dialog onClose={onClose} title={security.removeTitle(factor.name)}>
      <Stack gap="md">
        <Text>{last ? security.removeLast : security.removeLead}</Text>
        <ProblemAlert error={error} />
        {last && (
          <Button variant="light" onClick={onAdd}>
            {security.addFirst}
          </Button>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {common.cancel}
          </Button>
          <Button color="red.8" loading={busy} onClick={() => void run()}>
            {security.removeConfirm}
          </Button>
        </Group>
      </Stack>
    </Dialog>
  )
}
