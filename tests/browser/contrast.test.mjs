// Text can be read (WCAG 2.2, 1.4.3: 4.5 to 1) in both themes, on a desk and on a phone, also on what
// is new, and also when the theme changes meanwhile.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { PHONE, WIDE, frames, live, openPage, startBrowser, startDemo } from './demo.mjs'

let demo, browser
before(async () => {
  demo = await startDemo()
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await demo?.stop()
})

/** Waits for changes, and holds what marks them at a moment of its life: 0 is when it begins. */
async function hold(page, share) {
  await page.evaluate(
    (share) =>
      new Promise((resolve) => {
        const { store } = window.highwaterDemo
        const stop = store.subscribe(() =>
          requestAnimationFrame(() => {
            const marks = document.getAnimations().filter(({ animationName }) => /^(flash|arrive)/.test(animationName))
            for (const mark of marks) {
              mark.pause()
              mark.currentTime = share * mark.effect.getComputedTiming().duration
            }
            if (marks.length === 0) return
            stop()
            resolve()
          }),
        )
      }),
    share,
  )
  await frames(page)
}

/** Runs in the page: texts that cannot be read, and how many there are, also on what flashes. */
function unreadable() {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true })
  /** Any colour of CSS as bytes, on the ground of others. */
  const paint = (...colours) => {
    canvas.clearRect(0, 0, 1, 1)
    for (const colour of colours) {
      canvas.fillStyle = colour
      canvas.fillRect(0, 0, 1, 1)
    }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
  }
  const light = (bytes) => {
    const [r, g, b] = bytes.map((byte) => byte / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const counts = { texts: 0, flashing: 0 }
  const bad = []
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement
    const text = texts.currentNode.data.trim()
    // What is on its way out, and what is there for screen readers alone, need not be seen.
    if (text === '' || element.closest('.gone, .unseen, .skip, [hidden], script, style, title')) continue
    if (!element.checkVisibility() || element.getClientRects().length === 0) continue
    const grounds = []
    for (let up = element; up !== null; up = up.parentElement) grounds.unshift(getComputedStyle(up).backgroundColor)
    const ground = paint('white', ...grounds)
    const { color } = getComputedStyle(element)
    const [dark, bright] = [light(ground), light(paint(`rgb(${ground})`, color))].sort((a, b) => a - b)
    const contrast = (bright + 0.05) / (dark + 0.05)
    counts.texts += 1
    if (element.closest('[data-flash], .new')?.getAnimations().length > 0) counts.flashing += 1
    if (contrast < 4.5) bad.push(`${contrast.toFixed(2)} “${text.slice(0, 30)}” .${element.className}: ${color} on ${ground}`)
  }
  return { ...counts, bad }
}

async function assertReadable(page, when) {
  const { texts, flashing, bad } = await page.evaluate(unreadable)
  assert.deepEqual(bad, [], when)
  assert.ok(texts > 100, `${when}: only ${texts} texts were looked at`)
  assert.ok(flashing > 0, `${when}: nothing flashes`)
}

for (const [size, viewport] of [['wide', WIDE], ['phone', PHONE]]) {
  for (const colorScheme of ['light', 'dark']) {
    test(`${size}, ${colorScheme}`, { timeout: 60_000 }, async () => {
      const { page, complaints } = await openPage(browser, demo.url, { viewport, colorScheme })
      await live(page)
      for (const share of [0, 0.5, 0.9]) {
        await hold(page, share)
        await assertReadable(page, `${share} of the flash`)
        const other = colorScheme === 'light' ? 'dark' : 'light'
        await page.emulateMedia({ colorScheme: other })
        await frames(page)
        await assertReadable(page, `${share} of a flash that began in the other theme`)
        await page.emulateMedia({ colorScheme })
      }
      assert.deepEqual(complaints, [])
      await page.close()
    })
  }
}
