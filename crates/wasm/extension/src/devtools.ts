// Puts the panel into the browser's devtools.

import { api } from './api.js'

const { devtools } = api
if (devtools !== undefined) {
  const theme = devtools.panels.themeName === 'dark' ? 'dark' : 'light'
  void devtools.panels.create('Highwater', '', `panel.html?tab=${devtools.inspectedWindow.tabId}&theme=${theme}`)
}
