// The little that we need of a framework. Text only ever enters the page as text.

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** An element of the page's own HTML; its absence is our mistake. */
export function need<T extends HTMLElement = HTMLElement>(id: string): T {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`index.html has no element #${id}`)
  return element as T
}

/** A new element. `true` sets an attribute without a value, `false` and `undefined` leave it out. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...children)
  return element
}

/** Touches the document only if the text is another; says whether it was. */
export function setText(element: Element, text: string): boolean {
  if (element.textContent === text) return false
  element.textContent = text
  return true
}

/** Plays a CSS animation once more, also while it is playing: two equal ones take turns. */
export function flash(element: HTMLElement): void {
  element.dataset['flash'] = element.dataset['flash'] === 'a' ? 'b' : 'a'
}

/** Runs `work` when what was changed is on the screen. */
export function afterFrame(work: () => void): void {
  requestAnimationFrame(() => setTimeout(work))
}

/** Runs `work` once before the next frame, however often it was asked for. */
export function oncePerFrame(work: () => void): () => void {
  let asked = false
  return () => {
    if (asked) return
    asked = true
    requestAnimationFrame(() => {
      asked = false
      work()
    })
  }
}
