// The little that there is of a framework. Text only ever enters the page as text.

type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** A new element. `true` sets an attribute without a value, `false` and `undefined` leave it out. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Attributes = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...children)
  return element
}

/** A button that says what it does by `data-do`, for the one listener of its part of the panel. */
export function button(label: string, action: string, attributes: Attributes = {}): HTMLButtonElement {
  return make('button', { type: 'button', 'data-do': action, ...attributes }, label)
}

/** A labelled field to choose in. */
export function choice(label: string, name: string, options: readonly (readonly [value: string, text: string])[]): HTMLSelectElement {
  return make('select', { name, 'aria-label': label }, ...options.map(([value, text]) => make('option', { value }, text)))
}

/** Touches the document only if the text is another. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

/** Calls with what `data-do` says of the button that was clicked within. */
export function onDo(home: HTMLElement, call: (action: string, button: HTMLElement) => void): void {
  home.addEventListener('click', (event) => {
    const button = (event.target as Element).closest<HTMLElement>('[data-do]')
    if (button !== null && home.contains(button)) call(button.dataset['do'] as string, button)
  })
}
