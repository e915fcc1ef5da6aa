/** Documents against the repository: links resolve, generated pages are up to date, pages that the code names exist. */
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { envExampleText } from '../infra/runtime/config/env-example.ts'
import { QUANTITIES, VARIABLE_UNITS } from '../schemas/quantities.ts'
import { generatedPages } from './generate.ts'

const project = fileURLToPath(new URL('../', import.meta.url))
const read = (path: string): string => readFileSync(join(project, path), 'utf8')
const IGNORED = /(^|\/)(node_modules|dist|\.isobar[^/]*)\//
const documents = globSync('**/*.md', { cwd: project, exclude: (path) => IGNORED.test(`${path}/`) })

/** Headings as GitHub makes anchors of them. */
function anchorsOf(text: string): Set<string> {
  return new Set(
    [...withoutCode(text).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) =>
      (heading ?? '')
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}

function withoutCode(text: string): string {
  return text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '').replaceAll(/`[^`\n]*`/g, '')
}

function brokenLinks(path: string, text: string): string[] {
  const links = [...withoutCode(text).matchAll(/!?\[[^\]]*\]\(([^)\s]+)[^)]*\)/g)].map(([, link]) => link ?? '')
  return links.filter((link) => {
    if (/^[a-z]+:/.test(link)) return false
    const [file = '', anchor] = link.split('#')
    const target = file === '' ? path : join(dirname(path), file)
    if (!existsSync(join(project, target))) return true
    if (anchor === undefined || statSync(join(project, target)).isDirectory()) return false
    return !anchorsOf(read(target)).has(anchor)
  })
}

it('finds broken links', () => {
  expect(
    brokenLinks('README.md', '[a](docs/no-such.md) ![b](no.png) [c](#no-such-heading) `[d](x.md)` [e](https://example.org)'),
  ).toEqual(['docs/no-such.md', 'no.png', '#no-such-heading'])
  expect(documents).toContain('README.md')
  expect(documents).toContain('docs/index.md')
})

it.each(documents)('%s: every relative link resolves', (path) => {
  expect(brokenLinks(path, read(path))).toEqual([])
})

it.each(Object.entries(await generatedPages()))('docs/%s is what the code says (npm run codegen)', (name, text) => {
  expect(read(`docs/${name}`)).toBe(text)
})

it('.env.example is what the code says (npm run codegen)', () => {
  expect(read('.env.example')).toBe(envExampleText())
})

it('every page that the code names exists', () => {
  const sources = globSync('**/*.{ts,mjs,sql,yml}', { cwd: project, exclude: (path) => IGNORED.test(`${path}/`) })
  const named = sources
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) => [...read(path).matchAll(/\bdocs\/[a-z0-9/_-]+\.md\b/g)].map(([page]) => `${page} (${path})`))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((entry) => !existsSync(join(project, entry.split(' ')[0] ?? '')))).toEqual([])
})

it('the table of quantities has every quantity and its unit', () => {
  const page = read('docs/quantities.md')
  for (const name of QUANTITIES) expect(page).toContain(`| \`${name}\` | ${VARIABLE_UNITS[name]}`)
})

it('every decision is listed, and has context, decision and consequences', () => {
  const list = read('docs/adr/README.md')
  for (const path of globSync('docs/adr/[0-9]*.md', { cwd: project })) {
    expect(list).toContain(path.split('/').at(-1))
    for (const part of ['Context', 'Decision', 'Consequences']) expect(read(path)).toContain(`\n## ${part}\n`)
  }
})

it('every runbook is listed', () => {
  const list = read('docs/runbooks/README.md')
  for (const path of globSync('docs/runbooks/*.md', { cwd: project })) {
    const name = path.split('/').at(-1) as string
    if (name !== 'README.md') expect(list).toContain(`(${name})`)
  }
})

it('every alert has a runbook', () => {
  const rules = globSync('alerting/rules/*.ts', { cwd: project })
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) => [...read(path).matchAll(/\b(?:rule|name): '([a-z-]+)'/g)].map(([, rule]) => rule))
  expect(rules).toEqual(expect.arrayContaining(['sensor-fault', 'artifact-rejected', 'frost']))
  const monitored = [
    ...read('infra/prometheus/rules/alerts.yml').matchAll(/^ +- alert: \w+$([\s\S]*?)(?=^ +- alert:|(?![\s\S]))/gm),
  ]
  expect(monitored.length).toBeGreaterThan(10)
  for (const [text] of monitored) expect(text).toMatch(/runbook_url: docs\/runbooks\/[a-z-]+\.md/)
  expect([...new Set(rules)].filter((rule) => !existsSync(join(project, `docs/runbooks/${rule}.md`)))).toEqual([])
})

it('every verb of the command line that a document uses exists', () => {
  const verbs = [...read('cli/program.ts').matchAll(/^ {2}'?([a-z-]+)'?: \(\) => import\('\.\//gm)].map(([, verb]) => verb)
  expect(verbs).toContain('start')
  const used = documents.flatMap((path) =>
    [...read(path).matchAll(/(?:`|^ {4})(?:\.\/|npx )?isobar ([a-z]+)/gm)].map(([, verb]) => ({ path, verb })),
  )
  expect(used.length).toBeGreaterThan(3)
  expect(used.filter(({ verb }) => !verbs.includes(verb))).toEqual([])
})
