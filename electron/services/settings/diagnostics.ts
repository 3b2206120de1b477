/**
 * What helps to find a fault, as one JSON file: versions, settings, checks, logs. No secret is kept anywhere it could be
 * taken from; addresses and names of one's own hosts, users and home folders are replaced, and runs and guests' contents
 * are not looked at.
 */
import type { FileView } from '../../../shared/contract/file.ts'
import type { HostView } from '../../../shared/contract/hosts.ts'
import type { LabView } from '../../../shared/contract/lab.ts'
import type { Settings } from '../../../shared/contract/settings.ts'
import { Buffer } from 'node:buffer'
import os from 'node:os'
import process from 'node:process'

export interface DiagnosticSources {
  version: string
  shell: string
  settings: { settings: { value: Settings } }
  hosts: { hosts: { value: HostView[] } }
  lab: { view: { value: LabView } }
}

/** Longest first, so that a part never hides the whole. */
function replacements(hosts: readonly HostView[]): [string, string][] {
  const own = hosts.filter(host => host.lab === 'own').flatMap(({ name, address, facts }, index): [string, string][] => [
    [name, `host-${index + 1}`],
    [address, `address-${index + 1}`],
    [address.replace(/^.*@/, '').replace(/:\d+$/, ''), `address-${index + 1}`],
    [facts?.hostname ?? '', `host-${index + 1}`],
  ])
  const here: [string, string][] = [[os.homedir(), '~'], [os.userInfo().username, 'USER'], [os.hostname(), 'THIS-MACHINE']]
  return [...own, ...here].filter(([text]) => text.length > 2 && text !== 'root').sort(([a], [b]) => b.length - a.length)
}

export function redact(text: string, hosts: readonly HostView[]): string {
  const named = replacements(hosts).reduce((result, [secret, word]) => result.replaceAll(secret, word), text)
  return named
    .replaceAll(/\b(?!127\.0\.0\.1\b|10\.77\.)\d{1,3}(?:\.\d{1,3}){3}\b/g, 'IP')
    .replaceAll(/-----BEGIN [^-]+-----[\s\S]*?-----END [^-]+-----/g, 'KEY')
    .replaceAll(/token=[\w-]+/g, 'token=…')
}

export function diagnosticBundle({ version, shell, settings, hosts, lab }: DiagnosticSources): FileView {
  const known = hosts.hosts.value
  const bundle = {
    at: new Date().toISOString(),
    console: { version, shell, node: process.version, platform: `${os.platform()} ${os.release()} ${os.arch()}` },
    machine: { cpus: os.cpus().length, cpu: os.cpus()[0]?.model, totalBytes: os.totalmem(), freeBytes: os.freemem() },
    settings: settings.settings.value,
    hosts: known.map(({ guests, ...host }) => ({ ...host, guests: guests.map(({ name: _, ...guest }) => guest) })),
    lab: lab.view.value,
  }
  const text = redact(JSON.stringify(bundle, null, 2), known)
  return { name: 'me2-diagnostics.json', mediaType: 'application/json', bytes: new Uint8Array(Buffer.from(text, 'utf8')) }
}
