// Light or dark: the system's choice until the reader makes one.

const KEY = 'highwater-theme'
const system = matchMedia('(prefers-color-scheme: dark)')

/** Wires the button; `changed` runs whenever the colours may be others. */
export function followTheme(button: HTMLButtonElement, changed: (theme: 'light' | 'dark') => void): void {
  const apply = (): void => {
    button.setAttribute('aria-pressed', String(isDark()))
    button.textContent = isDark() ? '☀' : '☾'
    button.title = isDark() ? 'Switch to light' : 'Switch to dark'
    cache.clear()
    changed(isDark() ? 'dark' : 'light')
  }
  const kept = read()
  if (kept !== null) document.documentElement.dataset['theme'] = kept
  button.addEventListener('click', () => {
    const theme = isDark() ? 'light' : 'dark'
    document.documentElement.dataset['theme'] = theme
    keep(theme)
    apply()
  })
  system.addEventListener('change', apply)
  apply()
}

function isDark(): boolean {
  const chosen = document.documentElement.dataset['theme']
  return chosen === undefined ? system.matches : chosen === 'dark'
}

const cache = new Map<string, string>()

/** The value that a colour variable of the style sheet has at present, for what CSS does not paint. */
export function colour(variable: string): string {
  const known = cache.get(variable)
  if (known !== undefined) return known
  // A custom property is not computed by itself: only a real property tells which side of light-dark() holds.
  const probe = document.createElement('i')
  probe.style.color = `var(${variable})`
  document.body.append(probe)
  const value = getComputedStyle(probe).color
  probe.remove()
  cache.set(variable, value)
  return value
}

// A browser may refuse storage; the choice then lasts as long as the page.
function read(): string | null {
  try {
    const kept = localStorage.getItem(KEY)
    return kept === 'light' || kept === 'dark' ? kept : null
  } catch {
    return null
  }
}

function keep(theme: string): void {
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // see above
  }
}
