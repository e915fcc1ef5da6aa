/**
 * model.lifecycle.v1, model.control.v1 → runs, versions, aliases, tags and artefacts in MLflow. At least once and idempotent: a run is
 * found by the tag `isobar.run_id`, a version by its run, so that an event handled again changes nothing. The two topics may come in any
 * order: a control event names everything its versions need.
 */
import type { Artefact, Control, Lifecycle } from '../../schemas/generated/types.ts'
import type { ArtifactStore } from '../../infra/runtime/artifacts/index.ts'
import { isPermanent, messageOf } from '../../infra/runtime/errors.ts'
import { createExclusive } from '../../infra/runtime/exclusive.ts'
import type { InboundEvent, Sink } from '../../infra/runtime/kafka/types.ts'
import type { Logger } from '../../infra/runtime/log.ts'
import type { KeyValue, Metric, MlflowClient, MlflowRun } from './client.ts'

export type MirroredTopic = 'model.lifecycle.v1' | 'model.control.v1'
export type MirroredEvent = InboundEvent<MirroredTopic>

export type MirrorDeps = {
  readonly mlflow: MlflowClient
  readonly artifacts: Pick<ArtifactStore, 'get'>
  readonly experiment: string
  readonly log: Logger
}

type Subject = Pick<Lifecycle, 'stationId' | 'variable' | 'runId' | 'version' | 'family' | 'featureSet'>

const RUN_TAG = 'isobar.run_id'
const MODEL_FILE = 'model.bin'
/** MLflow keeps the first of these characters of a tag. */
const TAG_LENGTH = 5000

export function createMirror({ mlflow, artifacts, experiment, log }: MirrorDeps): Sink<MirroredEvent> {
  const exclusive = createExclusive()

  return {
    // One at a time: find-or-create of one run from both topics must not run side by side.
    write: (events) =>
      exclusive(async () => {
        for (const event of events) {
          if (event.topic === 'model.lifecycle.v1') await mirrorLifecycle(event.value)
          else await mirrorControl(event.value, event.offset)
        }
      }),
  }

  async function mirrorLifecycle(event: Lifecycle): Promise<void> {
    const run = await ensureRun(event, event.at)
    const runId = run.info.run_id
    await mlflow.log(runId, metricsOf(event), paramsOf(event), tagsOf(event))
    if (event.event === 'evaluated' || event.event === 'failed')
      await mlflow.endRun(runId, event.event === 'failed' ? 'FAILED' : 'FINISHED', event.at)
    if (event.artefact === null) return
    const version = await ensureVersion(event, run, event.artefact)
    await mlflow.tagVersion(nameOf(event), version, 'isobar.state', event.event)
    if (event.reasons.length > 0) await mlflow.tagVersion(nameOf(event), version, 'isobar.reasons', cut(event.reasons.join('\n')))
  }

  async function mirrorControl(control: Control, offset: number): Promise<void> {
    const { stationId, variable, champion, previous, challengers } = control
    const served = new Map(
      [
        ['champion', champion],
        ['previous', previous],
        ...challengers.map((model, i) => [i === 0 ? 'challenger' : `challenger-${i + 1}`, model]),
      ].filter((entry): entry is [string, Control['champion']] => entry[1] !== null),
    )
    const name = nameOf(control)
    const wanted = new Map<string, string>()
    for (const [alias, model] of served) {
      const subject = { stationId, variable, ...model }
      wanted.set(alias, await ensureVersion(subject, await ensureRun(subject, model.since), model.artefact))
    }
    const held = await mlflow.aliases(name)
    for (const [alias, version] of wanted) if (held.get(alias) !== version) await mlflow.setAlias(name, alias, version)
    // Aliases that people have set are theirs.
    for (const alias of held.keys())
      if (/^(champion|previous|challenger(-\d+)?)$/.test(alias) && !wanted.has(alias)) await mlflow.deleteAlias(name, alias)
    const version = wanted.get('champion') as string
    const why = {
      'isobar.promoted_at': new Date(champion.since).toISOString(),
      'isobar.changed_by': control.changedBy,
      'isobar.reason': control.reason,
      'isobar.control_offset': String(offset),
    }
    for (const [key, value] of Object.entries(why)) await mlflow.tagVersion(name, version, key, cut(value))
  }

  async function ensureRun({ stationId, variable, runId, version }: Subject, at: number): Promise<MlflowRun> {
    const experimentId = await mlflow.experiment(experiment)
    const found = await mlflow.findRun(experimentId, RUN_TAG, runId)
    if (found) return found
    return mlflow.createRun(experimentId, `${stationId}/${variable} ${version}`, at, [
      { key: RUN_TAG, value: runId },
      { key: 'isobar.station', value: stationId },
      { key: 'isobar.variable', value: variable },
    ])
  }

  async function ensureVersion(subject: Subject, run: MlflowRun, artefact: Artefact): Promise<string> {
    const name = nameOf(subject)
    const found = await mlflow.findVersion(name, run.info.run_id)
    if (found !== null) return found
    const stored = await storeArtefact(run, artefact)
    await mlflow.registeredModel(name, `Isobar forecasts of ${subject.variable} at ${subject.stationId}`)
    return mlflow.createVersion(name, run, [
      { key: 'isobar.version', value: subject.version },
      { key: 'isobar.family', value: subject.family },
      { key: 'isobar.feature_set', value: subject.featureSet },
      { key: 'isobar.sha256', value: artefact.sha256 },
      { key: 'isobar.artefact_uri', value: cut(artefact.uri) },
      { key: 'isobar.artefact', value: cut(stored) },
    ])
  }

  /** In words what became of the bytes. An artefact that is gone or damaged does not keep its version out of the registry. */
  async function storeArtefact(run: MlflowRun, artefact: Artefact): Promise<string> {
    let bytes: Uint8Array
    try {
      bytes = await artifacts.get(artefact)
    } catch (error) {
      if (!isPermanent(error)) throw error
      log.warn({ uri: artefact.uri, reason: messageOf(error) }, 'artefact not mirrored')
      return `not mirrored: ${messageOf(error)}`
    }
    if (await mlflow.putArtefact(run, MODEL_FILE, bytes)) return MODEL_FILE
    return 'not mirrored: the server does not serve artefacts; see isobar.artefact_uri'
  }
}

/** Registered models are named `isobar.<station>.<variable>`: MLflow allows no slash. */
function nameOf({ stationId, variable }: Pick<Lifecycle, 'stationId' | 'variable'>): string {
  return `isobar.${stationId}.${variable}`
}

/**
 * Scores as `<model>.<bucket>.<score>`, at the event's time; what was not measured (not finite) is left out. Those of the comparison of families
 * are of other rows: `compared.<family>.<bucket>.<score>`.
 */
function metricsOf({ metrics, comparison, at, fitSeconds, rows }: Lifecycle): Metric[] {
  const named = (prefix: string, of: Lifecycle['metrics']) =>
    of.flatMap(({ model, leadBucket, ...values }) =>
      Object.entries(values).map(([score, value]) => ({ key: `${prefix}${model}.${leadBucket}.${score}`, value })),
    )
  const compared = comparison?.families.flatMap(({ metrics: own }) => own) ?? []
  const scores = [...named('', metrics), ...named('compared.', compared)]
  const sizes =
    rows > 0
      ? [
          { key: 'rows', value: rows },
          { key: 'fit_seconds', value: fitSeconds },
        ]
      : []
  return [...scores, ...sizes]
    .filter(({ value }) => Number.isFinite(value))
    .map((metric) => ({ ...metric, timestamp: at, step: 0 }))
}

/** What is the same in every event of a run: MLflow refuses to change a param. */
function paramsOf({ stationId, variable, version, dataTo, seed, featureSet, codeVersion, requestReason }: Lifecycle): KeyValue[] {
  const params = {
    stationId,
    variable,
    version,
    seed,
    featureSet,
    codeVersion,
    requestReason,
    dataTo: dataTo === null ? null : new Date(dataTo).toISOString(),
  }
  return Object.entries(params).flatMap(([key, value]) => (value === null ? [] : [{ key, value: String(value) }]))
}

function tagsOf(event: Lifecycle): KeyValue[] {
  const { reasons, artefact, evaluation, dataFrom, causedBy, changePoints, comparison } = event
  const refused = comparison?.families.flatMap(({ family, refused: why }) => (why === null ? [] : [`${family}: ${why}`])) ?? []
  const tags = {
    state: event.event,
    family: event.family || null,
    reasons: reasons.length > 0 ? reasons.join('\n') : null,
    sha256: artefact?.sha256 ?? null,
    evaluation_uri: evaluation?.uri ?? null,
    data_from: dataFrom === null ? null : new Date(dataFrom).toISOString(),
    // Later events are caused by the run's own.
    caused_by: event.event === 'training-started' ? causedBy : null,
    change_points: changePoints.length > 0 ? JSON.stringify(changePoints) : null,
    not_compared: comparison?.notComparedBecause ?? null,
    families_refused: refused.length > 0 ? refused.join('\n') : null,
  }
  return Object.entries(tags).flatMap(([key, value]) => (value === null ? [] : [{ key: `isobar.${key}`, value: cut(value) }]))
}

function cut(text: string): string {
  return text.slice(0, TAG_LENGTH)
}
