// The other pages of the demo, by real clicks and keys: orders, 100,000 items, the playground.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PHONE, WIDE, frames, openPage, photograph, startBrowser, startDemo } from './demo.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const PATIENT = { timeout: 60_000 }

let demo, browser
before(async () => {
  demo = await startDemo()
  browser = await startBrowser()
})
after(async () => {
  await browser?.close()
  await demo?.stop()
})

const open = (name, options) => openPage(browser, `${demo.url}/${name}.html`, options)
const reads = (page, id, text) => page.getByTestId(id).filter({ hasText: text }).waitFor(PATIENT)

test('one finds every page from every other, by keyboard', PATIENT, async () => {
  const { page, complaints } = await openPage(browser, demo.url)
  for (const name of ['Flags', 'Orders', '100k items', 'Playground', 'Processes']) {
    await page.getByRole('link', { name, exact: true }).focus()
    await page.keyboard.press('Enter')
    await page.waitForFunction((name) => document.querySelector('nav [aria-current=page]')?.textContent === name, name)
  }
  assert.deepEqual(complaints, [])
  await page.close()
})

test('orders: what is refused or cut off comes again, in order, until worker and view are equal', { timeout: 240_000 }, async () => {
  const { page, complaints } = await open('orders')
  const fact = (name) => page.getByTestId(`fact-${name}`).textContent()
  const batches = (outcome) => page.locator(`[data-testid=batch][data-outcome="${outcome}"]`)
  const equal = () => page.locator('#verdict[data-result=ok]').waitFor(PATIENT)
  await page.getByTestId('flow').uncheck()
  await page.getByTestId('pace').selectOption('0')
  await equal()

  await page.getByTestId('fail').click()
  await page.getByTestId('place-many').click()
  await batches('refused').first().waitFor(PATIENT)
  await page.locator('[data-testid=batch][data-again]').first().waitFor(PATIENT)
  await equal()
  assert.equal(await page.getByTestId('order').count(), 20)
  assert.equal(await fact('refused'), '1')

  // Cut off in the midst of a batch.
  await page.getByTestId('pace').selectOption('4000')
  await page.getByTestId('place').click()
  await batches('in hand').first().waitFor(PATIENT)
  await page.getByTestId('connection').click()
  await batches('lost').first().waitFor(PATIENT)
  await reads(page, 'worker-state', 'disconnected')
  // An order that changes twice meanwhile: the view has the last of it, the worker is told of both.
  const first = page.getByTestId('order').first()
  const version = async () => Number(await first.locator('td').nth(2).textContent())
  const before = await version()
  for (const more of [1, 2]) {
    await first.getByTestId('more').click()
    await page.waitForFunction((version) => Number(document.querySelector('[data-testid=order] td:nth-child(4)').textContent) === version, before + more)
  }
  await page.getByTestId('order').last().getByTestId('cancel').click()
  await reads(page, 'verdict', /behind/)
  await page.getByTestId('pace').selectOption('0')
  await page.getByTestId('connection').click()
  await equal()
  assert.equal(await page.getByTestId('order').count(), 19)
  assert.match(await fact('in order'), /^yes, of \d+ events$/)
  assert.ok(Number(await fact('came again')) >= 2)

  // A new page of the same tab goes on from the checkpoint: nothing of it comes again.
  await reads(page, 'fact-behind', '0 transactions')
  await page.reload()
  await page.getByTestId('flow').uncheck()
  await equal()
  await reads(page, 'worker-state', 'waiting')
  assert.match(await fact('in order'), /^yes, of 1 event$/, 'the order that comes with a new page, and no other')
  await photograph(page, 'orders')
  assert.deepEqual(complaints, [])
  await page.close()
})

test('100,000 items: both pages have them, figures are shown, and ours has no wrong key', { timeout: 280_000 }, async () => {
  const { page, complaints } = await open('items')
  await page.getByTestId('start').click()
  await page.getByTestId('said').filter({ hasText: /^measured/ }).waitFor({ timeout: 240_000 })
  for (const side of ['ours', 'plain']) assert.equal(await page.getByTestId(`${side}-count`).textContent(), '100,000 items')
  const figure = async (name) => Number(await page.getByTestId(name).getAttribute('data-value'))
  for (const line of ['state', 'screen', 'read']) for (const side of ['ours', 'plain']) assert.ok((await figure(`${side}-${line}`)) > 0, `${side}-${line}`)
  assert.equal(await figure('ours-wrong'), 0)
  assert.ok((await figure('plain-wrong')) > 0, 'what the plain page does not notice is still wrong there')
  // The last of the list is there as soon as one scrolls to it.
  await page.getByTestId('ours').focus()
  await page.keyboard.press('End')
  await page.getByTestId('ours').getByText('item-099999').waitFor(PATIENT)
  assert.ok((await page.getByTestId('ours').getByTestId('item').count()) < 100, 'only what is in sight is in the document')
  await photograph(page, 'items')
  assert.deepEqual(complaints, [])
  await page.close()
})

test('playground: recordings, with what each event did', { timeout: 120_000 }, async () => {
  const { page, complaints } = await open('playground')
  const message = (text) => reads(page, 'message', text)
  await page.getByTestId('example-relay').click()
  await message('7 events led to 2 items.')
  assert.match(await page.getByTestId('items').innerText(), /dark-mode\s+4[\s\S]+staff\s+2/)
  const wire = page.getByTestId('wire')
  for (const reason of ['stale', 'tombstone', 'duplicate']) await wire.getByText(reason).first().waitFor(PATIENT)
  await photograph(page, 'playground')

  await page.getByTestId('example-consul').click()
  await message('5 events led to 2 items.')
  await page.getByTestId('example-prices').click()
  await message('5 events led to 2 items.')
  await page.getByTestId('search').fill('acme')
  await reads(page, 'count', '1 of 2 items')
  assert.match(await page.getByTestId('items').innerText(), /41.75/)
  await page.getByTestId('search').fill('')

  // A file, as one chooses it; what it speaks is asked for, unless it is a session and says so.
  const folder = mkdtempSync(join(tmpdir(), 'highwater-playground-'))
  const file = join(folder, 'session.txt')
  const put = 'event: put\ndata: {"path":"/","data":{"flags":{"a":{"key":"a","version":1}},"segments":{}}}\n\n'
  writeFileSync(file, `event: highwater-session\ndata: {"version":1,"protocol":"relay","url":"x"}\n\nevent: highwater-connection\ndata: {"at":5}\n\n${put}`)
  await page.getByTestId('file').setInputFiles(file)
  await message('1 event led to 1 item.')
  rmSync(folder, { recursive: true })
  // And one that is dropped.
  await page.getByTestId('protocol').selectOption('relay')
  await page.evaluate((text) => {
    const dataTransfer = new DataTransfer()
    dataTransfer.items.add(new File([text], 'dropped.txt'))
    document.body.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
  }, put.replaceAll('"a"', '"b"'))
  await page.getByTestId('store').filter({ hasText: 'dropped.txt' }).waitFor(PATIENT)
  await page.getByTestId('items').getByText('b', { exact: true }).waitFor(PATIENT)
  assert.deepEqual(complaints, [])
  await page.close()
})

test('playground: what cannot be read is told, with its line', { timeout: 120_000 }, async () => {
  const { page, complaints } = await open('playground')
  const failed = (text) => page.locator('#message[data-result=failed]').filter({ hasText: text }).waitFor(PATIENT)
  const read = async (protocol, text) => {
    await page.getByTestId('protocol').selectOption(protocol)
    await page.getByTestId('url').fill('')
    await page.getByTestId('text').fill(text)
    await page.getByTestId('read').click()
  }
  await page.getByTestId('example-broken').click()
  await failed(/Line 5: the data of event 'patch' is not what the protocol says: .+ at byte \d+/)
  assert.match(await page.getByTestId('items').innerText(), /dark-mode\s+3/, 'the state is that of before')

  await read('relay', '')
  await failed('There is nothing to read yet')
  await read('relay', '\n<!doctype html>\n<p>502 Bad Gateway')
  await failed("line 2 is neither a field of one, such as 'data: …', with a blank line after the last, nor JSON: <!doctype html>")
  await read('fdv2', 'event: put\ndata: {"path":"/"}')
  await failed('None of the 1 event means anything in this protocol. Is it another one?')
  await read('consul', '{"Index":1,"EndOfSnapshot":true}\n{"Index":2,')
  await failed(/Line 2: /)
  await read('json', 'data: {"key":"a"}')
  await page.getByTestId('path-key').fill('symbol')
  await page.getByTestId('read').click()
  await failed("option protocol.key must be a JSON pointer, empty or beginning with '/', not 'symbol'")
  await page.getByTestId('protocol').selectOption('fdv2')
  for (const [url, words] of [['ftp://example.org/x', 'must be an http or https URL'], ['http://', 'is not a URL'], ['/v1/topics/none/stream', 'the server answered 404']]) {
    await page.getByTestId('url').fill(url)
    await page.getByTestId('read').click()
    await failed(words)
  }
  // That Chromium says so, too, is its right.
  assert.deepEqual(complaints.filter((words) => !words.includes('404')), [])
  await page.close()
})

test('playground: live streams, of our own server and as SDKs get them', { timeout: 120_000 }, async () => {
  const { page, complaints } = await open('playground')
  for (const [example, item] of [['machine', 'host'], ['flags', 'dark-mode']]) {
    await page.getByTestId(`example-${example}`).click()
    await reads(page, 'message', /^Live/)
    await page.getByTestId('search').fill(item)
    await page.getByTestId('items').getByText(item).first().waitFor(PATIENT)
    await page.getByTestId('stop').click()
    await reads(page, 'message', 'Stopped.')
  }
  assert.deepEqual(complaints, [])
  await page.close()
})

for (const name of ['index', 'flags', 'orders', 'items', 'playground']) {
  test(`axe finds nothing: ${name}, dark and light, wide and on a phone`, { timeout: 120_000 }, async () => {
    const { page, complaints } = await open(name)
    const ready = { index: '[data-testid=row]', flags: '[data-testid=seen-greeting]', orders: '[data-testid=order]', items: '[data-testid=ours-state]', playground: '[data-testid=example-relay]' }
    await page.locator(ready[name]).first().waitFor(PATIENT)
    if (name === 'orders') {
      await page.getByTestId('place-many').click()
      await page.getByTestId('order').nth(19).waitFor(PATIENT)
    }
    if (name === 'playground') {
      await page.getByTestId('example-prices').click()
      await reads(page, 'message', 'led to')
    }
    await page.evaluate(axe)
    for (const viewport of [WIDE, PHONE]) {
      await page.setViewportSize(viewport)
      for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ colorScheme })
        await frames(page)
        // A process that has ended fades away: there is no reading it at the end, nor any need to.
        const found = await page.evaluate(() =>
          window.axe.run({ exclude: ['.row.gone'] }, { resultTypes: ['violations'] }).then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).slice(0, 3).join(' ')}`)),
        )
        assert.deepEqual(found, [], `${viewport.width} ${colorScheme}`)
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${viewport.width}: no sideways scrolling`)
      }
    }
    assert.equal(await page.locator('h1').count(), 1)
    assert.deepEqual(complaints, [])
    await page.close()
  })
}
