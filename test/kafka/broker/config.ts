import type { BrokerOptions } from './start-broker.ts'

/** Broker settings for tests: one node, and timeouts low enough that faults show quickly. */
export const testBrokerConfig: Readonly<Record<string, string>> = {
  'offsets.topic.num.partitions': '4',
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'auto.create.topics.enable': 'false',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'group.streams.initial.rebalance.delay.ms': '0',
  'group.streams.assignment.interval.ms': '0',
  'group.streams.min.session.timeout.ms': '1000',
  'group.streams.session.timeout.ms': '10000',
  'group.streams.min.heartbeat.interval.ms': '100',
  'group.streams.heartbeat.interval.ms': '1000',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
  'log.flush.interval.messages': '1000000',
  'group.coordinator.append.linger.ms': '1',
}

/** Where a broker listens, for clients at `port` of this machine. */
export function listenerConfig(
  bindHost: string,
  port: number,
  controller: string,
  extra: BrokerOptions['listener'],
): Record<string, string> {
  const name = (protocol: string, at: number) => ({
    bound: `${protocol}://${bindHost}:${at}`,
    advertised: `${protocol}://127.0.0.1:${at}`,
  })
  const listeners = [name('PLAINTEXT', port), ...(extra === undefined ? [] : [name('SECURE', extra.port)])]
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@${controller}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: [...listeners.map(({ bound }) => bound), `CONTROLLER://${controller}`].join(','),
    'advertised.listeners': listeners.map(({ advertised }) => advertised).join(','),
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:${extra?.protocol ?? 'PLAINTEXT'}`,
  }
}
