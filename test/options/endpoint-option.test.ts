import { describe, expect, it } from 'vitest'
import { defineApp, memoryLog, Streams, string, topic } from '../../src/index.ts'
import { endpointOption } from '../../src/options/endpoint-option.ts'
import { Place } from '../../src/options/option.ts'

const place = new Place('Streams.start()', 'advertise', endpointOption)

describe('the endpoint that an instance advertises', () => {
  it.each([
    ['10.0.0.5:8080', '10.0.0.5:8080'],
    ['pod-0.totals.shop.svc:8080', 'pod-0.totals.shop.svc:8080'],
    ['my_service:1', 'my_service:1'],
    ['Host:65535', 'host:65535'],
    ['localhost:0080', 'localhost:80'],
    ['[2001:db8::1]:8080', '[2001:db8::1]:8080'],
    ['[2001:0DB8:0:0::1]:8080', '[2001:db8::1]:8080'],
  ])('may be %s, and is then written as %s', (given, used) => {
    expect(endpointOption.read(given, place)).toBe(used)
  })

  it.each<[unknown, string]>([
    ['10.0.0.5', 'HOST:PORT'],
    ['10.0.0.5:', 'HOST:PORT'],
    [':8080', 'HOST:PORT'],
    ['', 'HOST:PORT'],
    [8080, 'HOST:PORT'],
    [['10.0.0.5:8080'], 'HOST:PORT'],
    ['10.0.0.5:http', 'HOST:PORT'],
    ['10.0.0.5:8080\n', 'HOST:PORT'],
    ['10.0.0.5:-1', 'HOST:PORT'],
    ['a b:8080', 'HOST:PORT'],
    ['a/b:8080', 'HOST:PORT'],
    ['user@host:8080', 'HOST:PORT'],
    ['1.2.3.4.5:8080', 'HOST:PORT'],
    ['[::1:8080', 'HOST:PORT'],
    ['[fe80::1%eth0]:8080', 'HOST:PORT'],
    ['http://10.0.0.5:8080', 'without a scheme'],
    ['10.0.0.5:0', 'from 1 to 65535'],
    ['10.0.0.5:65536', 'from 1 to 65535'],
    ['10.0.0.5:123456789012345678901234567890', 'from 1 to 65535'],
    ['::1:8080', 'brackets'],
    ['undefined:8080', 'is its variable set?'],
    ['0.0.0.0:8080', 'status.podIP'],
    ['0:8080', 'status.podIP'],
    ['[::]:8080', 'status.podIP'],
    ['[0:0:0:0:0:0:0:0]:8080', 'status.podIP'],
    ['[::ffff:0.0.0.0]:8080', 'status.podIP'],
    ['*:8080', 'status.podIP'],
  ])('may not be %j', (given, hint) => {
    expect(() => endpointOption.read(given, place)).toThrow(
      expect.objectContaining({ code: 'MR_CONFIG', hint: expect.stringContaining(hint) }),
    )
  })

  it('is checked before anything is started', async () => {
    const words = topic('words', { key: string(), value: string() })
    const app = defineApp({ id: 'copy', build: (builder) => builder.stream(words).to('copies') })
    await expect(Streams.start(app, { log: memoryLog(), advertise: '0.0.0.0:8080' })).rejects.toMatchObject({
      code: 'MR_CONFIG',
      message: 'the option advertise of Streams.start() is "0.0.0.0:8080"',
    })
    const options = { log: memoryLog(), 'application.server': 'pod-0:8080' }
    await expect(Streams.start(app, options)).rejects.toMatchObject({ hint: expect.stringContaining('advertise') })
  })
})
