import { duration, flag, text, type TableOf } from '../options/options.ts'
import { data, json, kafka, KAFKA_LOGIN, logFormat, type CommandOption } from './command-options.ts'
import type { ConnectOptions } from './connect-command.ts'
import type { ConnectorsOptions } from './connectors-command.ts'
import { INSTANCE } from './settings/run-settings.ts'

/** The options of `millrace connect`. */
export const CONNECT = {
  kafka,
  ...KAFKA_LOGIN,
  data,
  untilEnd: flag({
    default: false,
    description: 'end when the sources are read to their end and the sinks have written it',
  }),
  instanceId: {
    ...text({
      defaultText: 'none',
      description: 'name of this instance for good: after a restart it has its tasks at once',
      kafka: 'group.instance.id',
    }),
    value: 'id',
  },
  for: { ...duration({ defaultText: 'until a signal', description: 'how long to run' }), value: 'time' },
  closeTimeout: INSTANCE.closeTimeout,
  logFormat,
  logLevel: INSTANCE.logLevel,
} satisfies TableOf<ConnectOptions, CommandOption>

/** The options of `millrace connectors` and its like that print. */
export const CONNECTORS_SHOWN = { kafka, ...KAFKA_LOGIN, data, json, logFormat } satisfies TableOf<
  ConnectorsOptions & { readonly json?: boolean },
  CommandOption
>

/** The options of `millrace connectors` and its like that change something. */
export const CONNECTORS_CHANGED = { kafka, ...KAFKA_LOGIN, data, logFormat } satisfies TableOf<
  ConnectorsOptions,
  CommandOption
>
