import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Makes an authority with openssl, and certificates by it, as an operator would: `ca.pem`, `receiver.pem`, … */
export function makeSiemCertificates(directory: string): void {
  const at = (name: string) => join(directory, name)
  const openssl = (args: string[], clock?: string) => {
    const command = clock === undefined ? ['openssl', ...args] : ['faketime', clock, 'openssl', ...args]
    execFileSync(command[0]!, command.slice(1), { stdio: 'pipe' })
  }
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const authority = (name: string) =>
    openssl([
      ...['req', '-x509', ...newKey, '-days', '2', '-subj', `/CN=${name}`],
      ...['-keyout', at(`${name}.key`), '-out', at(`${name}.pem`)],
    ])
  const issue = (
    name: string,
    { subject, by = 'ca', clock }: { subject: string; by?: string; clock?: string },
  ) => {
    const request = at(`${name}.csr`)
    openssl([
      'req',
      '-new',
      ...newKey,
      '-subj',
      `/CN=${subject}`,
      '-keyout',
      at(`${name}.key`),
      '-out',
      request,
    ])
    writeFileSync(at(`${name}.ext`), `subjectAltName=DNS:${subject},IP:127.0.0.1\n`)
    openssl(
      [
        ...['x509', '-req', '-in', request, '-CA', at(`${by}.pem`), '-CAkey', at(`${by}.key`), '-days', '2'],
        ...['-CAcreateserial', '-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`)],
      ],
      clock,
    )
  }
  authority('ca')
  authority('other-ca')
  issue('receiver', { subject: 'localhost' })
  issue('expired', { subject: 'localhost', clock: '2020-01-01' })
  issue('client', { subject: 'sallyport.example.org' })
  issue('stranger', { subject: 'sallyport.example.org', by: 'other-ca' })
}
