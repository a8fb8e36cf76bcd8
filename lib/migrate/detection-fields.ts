import type { Category } from '../../types/index.ts'
import { isObject } from '../options/shape.ts'
import { put, textsOf, type Convert } from './draft.ts'
import { CATEGORIES } from '../detect/types.ts'

/** Categories of the original by their names there. */
export const CATEGORY_NAMES: Readonly<Record<string, readonly Category[]>> = {
  ...Object.fromEntries(CATEGORIES.map((category) => [category, [category]])),
  dir_traversal: ['traversal'],
  path_traversal: ['traversal'],
  cmd_injection: ['command'],
  file_inclusion: ['file-inclusion'],
  file_upload: ['upload'],
  http_split: ['crlf'],
  sensitive_file: ['probe'],
  cms_probing: ['probe']
}

export function categoriesOf (names: readonly string[]): { categories: Category[], unknown: string[] } {
  return {
    categories: [...new Set(names.flatMap((name) => CATEGORY_NAMES[name] ?? []))],
    unknown: names.filter((name) => !Object.hasOwn(CATEGORY_NAMES, name))
  }
}

const exclude = (member: 'headers' | 'params' | 'fields'): Convert => (value, options) => {
  const names = Array.isArray(value) ? textsOf(value) : Object.keys(isObject(value) ? value : {})
  if (names.length === 0 || options.detection === false) return
  const before = isObject(options.detection) ? options.detection.exclude : undefined
  put(options, 'detection', { exclude: { ...before as object | undefined, [member]: names } })
}

const inert = 'had no effect there; there is nothing of the kind here: no rule is an expression that can run away, and detection.budget bounds the time'

export const detectionFields: Readonly<Record<string, Convert>> = {
  enable_penetration_detection: (value, options) => { if (value === false) options.detection = false },
  detection_compiler_timeout: () => inert,
  detection_max_content_length: () => 'cut what was scanned, where it had an effect; here a body up to the route\'s bodyLimit is scanned, and a longer one refused (detection.maxBytes, overflow)',
  detection_preserve_attack_patterns: () => inert,
  detection_semantic_threshold: () => inert,
  detection_anomaly_threshold: () => inert,
  detection_slow_pattern_threshold: () => inert,
  detection_monitor_history_size: () => inert,
  detection_max_tracked_patterns: () => inert,
  detection_anomaly_emission_cooldown: () => inert,
  detection_min_samples_for_anomaly: () => inert,
  detection_threat_score_threshold: () => 'is another scale: detection.threshold (5), and detection.level for how much is looked for',
  detection_max_body_inspect_bytes: () => 'what lay past it was not scanned; here what lies past detection.maxBytes is refused',
  detection_max_scan_values: () => 'what lay past it was not scanned; here what lies past detection.maxKeys is refused',
  detection_max_scan_chars: () => 'what lay past it was not scanned; here what lies past detection.maxBytes is refused',
  detection_max_json_depth: () => 'what lay past it was not scanned; here what lies past detection.maxDepth is refused',
  detection_scan_body: (value, options) => { if (value === false && options.detection !== false) put(options, 'detection', { scan: { body: false } }) },
  enabled_detection_categories: (value, options) => {
    if (value === null || options.detection === false) return undefined
    const { categories, unknown } = categoriesOf(textsOf(value))
    put(options, 'detection', { categories })
    return unknown.length > 0 ? `TODO no category here is called ${unknown.join(', ')}` : undefined
  },
  excluded_detection_headers: exclude('headers'),
  excluded_detection_params: exclude('params'),
  excluded_detection_body_fields: exclude('fields')
}
