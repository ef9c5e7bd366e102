/** What can be found in a pod template. */
export type TemplateCode =
  | 'SST4008'
  | 'SST4009'
  | 'SST4010'
  | 'SST4014'
  | 'SST4015'
  | 'SST4016'
  | 'SST4017'
  | 'SST4018'
  | 'SST4019'
  | 'SST4020'
  | 'SST4021'
  | 'SST4028'
  | 'SST4040';

/** What was found in a pod template. */
export interface TemplateFinding {
  readonly code: TemplateCode;
  /** Names the field, and goes on from the name of the workload. */
  readonly message: string;
}

/** The message about labels or annotations of a pod template. */
export function named(what: 'label' | 'annotation', keys: readonly string[]): string {
  const [article, plural] = keys.length > 1 ? ['', 's'] : ['the ', ''];
  return `has ${article}${what}${plural} ${[...keys].sort().join(', ')} in its pod template`;
}
