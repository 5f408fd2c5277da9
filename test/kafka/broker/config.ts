import type { ExtraListener } from './start-broker.ts'

/** Broker settings for tests: timeouts low enough that faults show quickly. */
export function testBrokerConfig(brokers: number): Readonly<Record<string, string>> {
  const replicas = String(brokers)
  const inSync = String(Math.ceil((brokers + 1) / 2))
  return {
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': '4',
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'auto.create.topics.enable': 'false',
    // Records of tests have old timestamps, and a broker would delete them after 30 s.
    'log.retention.ms': '-1',
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
}

/** Addresses at which a node listens. */
export interface NodePlace {
  readonly id: number
  /** Address that its listeners are bound to. */
  readonly bindHost: string
  /** Port of the listener for clients on this machine. */
  readonly port: number
  readonly listener: ExtraListener | undefined
  /** `host:port` of the controller of every node, by node id. */
  readonly controllers: ReadonlyMap<number, string>
}

export function listenerConfig({ id, bindHost, port, listener, controllers }: NodePlace): Record<string, string> {
  const bound = [`PLAINTEXT://${bindHost}:${port}`]
  const advertised = [`PLAINTEXT://127.0.0.1:${port}`]
  if (listener !== undefined) {
    bound.push(`EXTRA://${bindHost}:${listener.port}`)
    advertised.push(`EXTRA://127.0.0.1:${listener.advertisedPort ?? listener.port}`)
  }
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': Array.from(controllers, ([node, address]) => `${node}@${address}`).join(','),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    listeners: [...bound, `CONTROLLER://${controllers.get(id)}`].join(','),
    'advertised.listeners': advertised.join(','),
    'listener.security.protocol.map':
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,' + `EXTRA:${listener?.protocol ?? 'PLAINTEXT'}`,
  }
}
