// Three browsers behind one protocol, WebDriver. Each test file starts its own, and tries them side by
// side; nothing here waits for anything but a condition.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe } from 'node:test'
import { WebDriver } from 'selenium-webdriver'
import { Executor, HttpClient } from 'selenium-webdriver/http/index.js'

const { CHROME, CHROMEDRIVER, FIREFOX, GECKODRIVER, WEBKITWEBDRIVER } = process.env

/** How each is started. One that the environment does not name is not there. */
const BROWSERS = {
  chromium: CHROME && CHROMEDRIVER && {
    driver: [CHROMEDRIVER],
    capabilities: ({ isPrivate, host }) => ({
      'goog:chromeOptions': {
        binary: CHROME,
        args: [
          '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run',
          '--disable-background-networking', '--disable-component-update', '--disable-sync',
          ...(isPrivate ? ['--incognito'] : []),
          ...(host === undefined ? [] : [`--host-resolver-rules=MAP ${host} 127.0.0.1`]),
        ],
      },
    }),
  },
  firefox: FIREFOX && GECKODRIVER && {
    driver: [GECKODRIVER, '--allow-system-access'],
    capabilities: ({ isPrivate, host }) => ({
      'moz:firefoxOptions': {
        binary: FIREFOX,
        args: ['-headless'],
        prefs: {
          'browser.privatebrowsing.autostart': isPrivate,
          // Offline is offline, also for this machine.
          'network.disable-localhost-when-offline': true,
          ...(host === undefined ? {} : { 'network.dns.localDomains': host }),
        },
      },
    }),
  },
  // Its driver starts Debian's MiniBrowser, which is private whenever it is driven.
  webkit: WEBKITWEBDRIVER && { driver: [WEBKITWEBDRIVER], capabilities: () => ({}) },
}

const DESK = { x: 0, y: 0, width: 1280, height: 900 }

/** The names of those that are there. */
export const browsers = Object.keys(BROWSERS).filter((name) => BROWSERS[name])
if (browsers.length === 0) throw new Error('no browser: `cargo xtask test browsers` says where they are')

/** Describes the same for each of these browsers: they have nothing to do with each other. */
export function inEach(describes, names = browsers) {
  describe('in', { concurrency: true }, () => {
    for (const name of names) describe(name, { concurrency: 1 }, () => describes(name))
  })
}

/** Starts a browser: `isPrivate` in private mode; it finds `host`, beside names that everybody has, on this machine; in this `language`. */
export async function startBrowser(name, { isPrivate = false, host, language = 'en_US.UTF-8' } = {}) {
  const { driver: [program, ...words], capabilities } = BROWSERS[name]
  const port = await freePort()
  const env = { ...process.env, LANG: language, LC_ALL: language, LANGUAGE: language.split('.')[0] }
  const driver = spawn(program, [...words, `--port=${port}`], { stdio: 'ignore', env })
  const url = `http://127.0.0.1:${port}`
  await until(`${program} to listen`, () => fetch(`${url}/status`).then(({ ok }) => ok, String))
  const session = WebDriver.createSession(new Executor(new HttpClient(url)), capabilities({ isPrivate, host }))
  await session.manage().setTimeouts({ script: 60_000 })
  await session.manage().window().setRect(DESK)
  return new Browser(name, session, driver, `${url}/session/${(await session.getSession()).getId()}`)
}

class Browser {
  name
  #session
  #driver
  #url
  /** A driver looks at one window at a time. */
  #turn = Promise.resolve()
  #at
  /** The window that it came with, until somebody wants it. */
  #first

  constructor(name, session, driver, url) {
    this.name = name
    this.#session = session
    this.#driver = driver
    this.#url = url
  }

  /** A new tab, in front of the others as far as the browser does so. */
  async open(url) {
    const tab = await this.#alone(async () => {
      if (this.#first === undefined) this.#at = this.#first = await this.#session.getWindowHandle()
      else {
        // The window that it looked at may be gone.
        const [one] = await this.#session.getAllWindowHandles()
        await this.#session.switchTo().window(one)
        await this.#session.switchTo().newWindow('tab')
        this.#at = await this.#session.getWindowHandle()
      }
      return new Tab(this, this.#at)
    })
    if (url !== undefined) await tab.goto(url)
    return tab
  }

  /** Does something with the session, looking at a window. */
  look(handle, use) {
    return this.#alone(async () => {
      if (this.#at !== handle) await this.#session.switchTo().window(handle)
      this.#at = handle
      return use(this.#session)
    })
  }

  /** What only this driver knows. */
  async ask(path, body) {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(this.#url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    const { value } = await answer.json()
    if (!answer.ok) throw new Error(`${this.name}: ${path}: ${value.message}`)
    return value
  }

  /** Runs a script as Firefox itself, and gives what it returns. */
  async asFirefox(script, ...args) {
    await this.ask('/moz/context', { context: 'chrome' })
    const answer = await this.ask('/execute/sync', { script, args })
    await this.ask('/moz/context', { context: 'content' })
    return answer
  }

  async stop() {
    await this.#session.quit()
    const ended = once(this.#driver, 'exit')
    this.#driver.kill()
    await ended
  }

  #alone(work) {
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }
}

/** A page, with as much of Playwright's names as tests of both use. */
class Tab {
  #browser
  #handle

  constructor(browser, handle) {
    this.#browser = browser
    this.#handle = handle
  }

  goto(url) {
    return this.#look((session) => session.get(url))
  }

  /** What a function answers in the page. */
  evaluate(call, argument) {
    return this.#look((session) => session.executeScript(`return (${call})(...arguments)`, argument))
  }

  /** Waits until a function says true in the page. */
  waitForFunction(holds, argument) {
    // While a page is loaded there is none that could answer.
    const ask = () => this.evaluate(holds, argument).catch((error) => error.message)
    return until(`${this.#browser.name}: ${holds}`, async () => {
      const found = await ask()
      return typeof found === 'string' ? found : Boolean(found)
    })
  }

  click(selector) {
    return this.#look(async (session) => {
      const element = await session.findElement({ css: selector })
      // Not beneath what stays at the edge.
      await session.executeScript("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
      await element.click()
    })
  }

  type(selector, text) {
    return this.#look(async (session) => (await session.findElement({ css: selector })).sendKeys(text))
  }

  /** Comes to the front, where the browser does so. */
  show() {
    return this.#look((session) => session.getTitle())
  }

  minimize() {
    return this.#look((session) => session.manage().window().minimize())
  }

  restore() {
    return this.#look((session) => session.manage().window().setRect(DESK))
  }

  close() {
    return this.#look((session) => session.close())
  }

  #look(use) {
    return this.#browser.look(this.#handle, use)
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  return port
}

/** Waits until this is true; fails with what it is instead. */
export async function until(what, holds, limit = 60_000) {
  const end = Date.now() + limit
  for (;;) {
    const found = await holds()
    if (found === true) return
    if (Date.now() > end) throw new Error(`waited for ${what}: ${found}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
