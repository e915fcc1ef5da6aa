// The house rules of docs/architecture.md: which room may import which, tests included (what needs more rooms lives in tests/).
// No exceptions list, by intent.
const rooms = {
  schemas: [],
  forecasting: ['schemas'],
  producers: ['schemas', 'infra/runtime'],
  'stream-processors': ['schemas', 'forecasting', 'infra/runtime'],
  consumers: ['schemas', 'forecasting', 'infra/runtime'],
  alerting: ['schemas', 'forecasting', 'infra/runtime'],
  api: ['schemas', 'forecasting', 'infra/runtime'],
  infra: ['schemas'],
}
const everyRoom = [
  'schemas',
  'forecasting',
  'producers',
  'stream-processors',
  'consumers',
  'alerting',
  'api',
  'infra',
  'cli',
  'tests',
  'bench',
]
// A test may look at a server with a client of its own: what it checks must not be what it checks with.
const independentClients = '\\.(unit|int)\\.test\\.ts$|/testing/|^tests/|^bench/'

const direction = Object.entries(rooms).map(([room, allowed]) => ({
  name: `room-${room}`,
  severity: 'error',
  comment: `${room}/ may import only itself${allowed.length ? `, ${allowed.join(', ')}` : ''}`,
  from: { path: `^${room}/` },
  to: {
    path: `^(${everyRoom.join('|')})/`,
    pathNot: `^(${[room, ...allowed].join('|')})/`,
  },
}))

// A service is a folder one level below its room; services talk through topics, never through imports.
const services = ['producers', 'stream-processors', 'consumers'].map((room) => ({
  name: `service-isolation-${room}`,
  severity: 'error',
  comment: `a service in ${room}/ never imports another service`,
  from: { path: `^${room}/([^/]+)/` },
  to: { path: `^${room}/([^/]+)/`, pathNot: `^${room}/($1|shared)/` },
}))

const soleImporters = [
  ['kafkajs', '^infra/runtime/kafka/'],
  ['@kafkajs/confluent-schema-registry', '^infra/runtime/(registry|kafka)/'],
  ['@clickhouse/client', '^infra/runtime/clickhouse/'],
  ['amqplib', '^infra/runtime/rabbitmq/'],
  ['chdb', '^infra/local/clickhouse-gateway/'],
].map(([pkg, home]) => ({
  name: `only-importer-of-${pkg}`,
  severity: 'error',
  from: { pathNot: `${home}|^node_modules|${independentClients}` },
  to: { path: `node_modules/${pkg}/` },
}))

export default {
  forbidden: [
    ...direction,
    ...services,
    ...soleImporters,
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'pure-rooms-do-no-io',
      severity: 'error',
      comment: 'schemas/ and forecasting/ do no IO',
      from: { path: '^(schemas|forecasting)/', pathNot: '^schemas/codegen/' },
      to: { dependencyTypes: ['core'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'node_modules/(?!(kafkajs|@kafkajs|@clickhouse|amqplib|chdb))|api/dashboard/dist|\\.d\\.mts$' },
    moduleSystems: ['es6', 'cjs'],
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js', '.json'] },
  },
}
