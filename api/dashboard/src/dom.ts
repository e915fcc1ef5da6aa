/** Small DOM builders. Text is always set as text, never parsed as markup. */

export type Child = Node | string | number | null | undefined | false
type Attributes = Record<string, string | number | boolean | null | undefined>

/** An element; `class`, `data-*`, `aria-*` and others as attributes; true sets an empty attribute, false/null leaves it out. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag)
  setAttributes(node, attributes)
  append(node, children)
  return node
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag)
  setAttributes(node, attributes)
  append(node, children)
  return node
}

function setAttributes(node: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) setAttribute(node, name, value)
}

/** Writes only when something changes, so that a repeated render costs no style recalculation. */
export function setAttribute(node: Element, name: string, value: string | number | boolean | null | undefined): void {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name)
    return
  }
  const text = value === true ? '' : String(value)
  if (node.getAttribute(name) !== text) node.setAttribute(name, text)
}

export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text
}

function append(node: Element, children: Child[]): void {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue
    node.append(typeof child === 'number' ? String(child) : child)
  }
}

/**
 * Keeps the children of `parent` in step with `items` by key: existing elements are updated in place (focus, scroll and
 * open details survive), only what is new is created.
 */
export function reconcile<T, E extends Element>(
  parent: Element,
  items: readonly T[],
  key: (item: T) => string,
  create: (item: T) => E,
  update: (node: E, item: T) => void,
): void {
  const existing = new Map<string, E>()
  for (const child of parent.children) {
    const childKey = child.getAttribute('data-key')
    if (childKey !== null) existing.set(childKey, child as E)
  }
  let cursor: Element | null = parent.firstElementChild
  for (const item of items) {
    const itemKey = key(item)
    let node = existing.get(itemKey)
    if (node) existing.delete(itemKey)
    else {
      node = create(item)
      node.setAttribute('data-key', itemKey)
    }
    update(node, item)
    if (node === cursor) cursor = cursor.nextElementSibling
    else parent.insertBefore(node, cursor)
  }
  while (cursor) {
    const next: Element | null = cursor.nextElementSibling
    cursor.remove()
    cursor = next
  }
  for (const left of existing.values()) left.remove()
}

export type TableColumn<T> = { title: string; cell: (row: T) => string; numeric?: boolean }

/** A table inside a details element; filled only while open, at most every `everyMs`, so that hidden rows cost nothing. */
export function detailsTable<T>(summary: string, caption: string, columns: TableColumn<T>[], everyMs = 2000) {
  const body = el('tbody')
  const table = el(
    'table',
    {},
    el('caption', {}, caption),
    el('thead', {}, el('tr', {}, ...columns.map((c) => el('th', { scope: 'col', class: c.numeric ? 'num' : null }, c.title)))),
    body,
  )
  const node = el(
    'details',
    { class: 'data-table' },
    el('summary', {}, summary),
    el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption }, table),
  )
  let rows: readonly T[] = []
  let filledAt = -Infinity
  const fill = (): void => {
    filledAt = performance.now()
    body.replaceChildren(
      ...rows.map((row) =>
        el(
          'tr',
          {},
          ...columns.map((c, i) =>
            el(i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : null, class: c.numeric ? 'num' : null }, c.cell(row)),
          ),
        ),
      ),
    )
  }
  node.addEventListener('toggle', () => {
    if (node.open) fill()
  })
  return {
    node,
    update(next: readonly T[]): void {
      rows = next
      if (node.open && performance.now() - filledAt >= everyMs) fill()
    },
  }
}
