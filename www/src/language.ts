// A language that `Intl` takes. WebKit calls that of a system without any `C`, and who formats numbers by
// `navigator.language`, as the charts' library does when it is loaded, would find that there is no such.

try {
  Intl.getCanonicalLocales(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en', configurable: true })
}

export {}
