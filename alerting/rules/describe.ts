/** Words and links of alerts. Names from outside are cut to one harmless line here; each transport escapes for its own medium. */
import type { Memory } from '../../infra/runtime/state/index.ts'
import { VARIABLE_UNITS, type ForecastVariable } from '../../schemas/quantities.ts'
import { oneLine } from '../shared/text.ts'
import type { NameRecord } from './records.ts'
import type { Outlook, WeatherRule } from './weather-probability.ts'

const QUANTITY_WORDS: Readonly<Record<string, string>> = {
  temperatureC: 'temperature',
  dewPointC: 'dew point',
  relativeHumidityPct: 'relative humidity',
  pressureHpa: 'pressure',
  stationPressureHpa: 'station pressure',
  windSpeedMps: 'wind speed',
  windGustMps: 'wind gust',
  windDirectionDeg: 'wind direction',
  precipitationMm: 'precipitation',
  precipitationProbabilityPct: 'precipitation probability',
  cloudCoverPct: 'cloud cover',
  visibilityM: 'visibility',
  solarWm2: 'solar irradiance',
  snowDepthCm: 'snow depth',
}

export function quantityWords(name: string): string {
  return QUANTITY_WORDS[name] ?? name
}

/** "Newark (ewr)", or the id alone while the name is unknown. */
export function stationWords(stationId: string, memory: Pick<Memory, 'get'>): string {
  const name = memory.get<NameRecord>(`name/${stationId}`)?.name
  return name === undefined ? stationId : `${oneLine(name, 80)} (${stationId})`
}

export function utc(instantMs: number): string {
  return `${new Date(instantMs).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

export function linksOf(rule: string, runbookBase: string, stationId?: string): Record<string, string> {
  return {
    ...(stationId === undefined ? {} : { dashboard: `/?station=${encodeURIComponent(stationId)}` }),
    runbook: `${runbookBase}${rule}.md`,
  }
}

/** `doubt`: why the forecast is degraded; null: it is not. */
export function describeWeather(
  rule: WeatherRule,
  outlook: Outlook,
  station: string,
  doubt: string | null,
): { summary: string; description: string } {
  const unit = VARIABLE_UNITS[rule.variable satisfies ForecastVariable]
  const percent = Math.round(outlook.probability * 100)
  const what = `${quantityWords(rule.variable)} ${rule.op === '<=' ? '≤' : '≥'} ${rule.threshold} ${unit}`
  return {
    summary: `${rule.title ?? rule.name} at ${station}: ${percent} % chance of ${what}`,
    description: `Most probable at ${utc(outlook.validAt)} (${outlook.leadHours} h ahead; median ${outlook.median.toFixed(1)} ${unit}). The rule looks ${rule.withinHours} h ahead, fires at ${Math.round(rule.minProbability * 100)} % and clears below ${Math.round(rule.clearProbability * 100)} %.${doubt === null ? '' : ` The forecast is degraded: ${doubt}.`}`,
  }
}
