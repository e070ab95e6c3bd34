// A language that `Intl` takes.

/**
 * Makes sure that the browser names one: WebKit calls that of a system without any `C`. To be called before
 * the charts are loaded: their library formats numbers by `navigator.language` from its first line on.
 */
export function nameLanguage(): void {
  try {
    Intl.getCanonicalLocales(navigator.language)
  } catch {
    Object.defineProperty(navigator, 'language', { value: 'en', configurable: true })
  }
}
