// The panel of the devtools: the same that an application mounts, on the stores of another page.

import { Panel } from '../../../../dist/devtools/view/panel.js'
import { init } from '../../../../dist/browser.js'
import { TabStores } from './tab.js'

const query = new URLSearchParams(location.search)
const home = document.querySelector('highwater-devtools') as HTMLElement
home.dataset['theme'] = query.get('theme') ?? 'system'

await init()
new Panel(home.attachShadow({ mode: 'open' }), new TabStores(Number(query.get('tab'))), 'items', undefined).show(true)
