import { injectionTemplates, isGateway } from '../dataplane.js';
import { asRecord } from '../policy-object.js';
import type { Labels } from '../policy-object.js';
import type { TemplateFinding } from './template-finding.js';

/** Driver of the volumes that hold the socket of a SPIRE agent. @see istio.io, ops/integrations/spire */
export const SPIRE_DRIVER = 'csi.spiffe.io';

/** What the injector adds to pods, as far as it decides who gives them their identity. */
export interface InjectionTemplates {
  /** Names of the templates of a pod that names none. */
  readonly defaults: readonly string[];
  /** Names of those that mount the socket of a SPIRE agent. */
  readonly withSpire: readonly string[];
}

/** A pod template, as far as SPIRE may be in it. One of the API server fits. */
export interface TemplateWithVolumes {
  readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels };
  readonly spec: { readonly volumes?: readonly ({ readonly name: string } & Readonly<Record<string, unknown>>)[] };
}

/** Pods whose identity SPIRE gives: ztunnel asks istiod for theirs. A gateway is found as such, by its pods. */
export function spireFindings(
  { metadata = {}, spec }: TemplateWithVolumes,
  injector: InjectionTemplates,
): TemplateFinding[] {
  if (isGateway({ metadata })) return [];
  const volume = (spec.volumes ?? []).find(({ csi }) => asRecord(csi)['driver'] === SPIRE_DRIVER);
  if (volume)
    return [{ code: 'SST4040', message: `has the volume ${volume.name} of ${SPIRE_DRIVER} in its pod template` }];
  const named = injectionTemplates(metadata.annotations);
  const spire = (named.length > 0 ? named : injector.defaults).find((name) => injector.withSpire.includes(name));
  if (spire === undefined) return [];
  return [
    { code: 'SST4040', message: `is injected with the template ${spire}, which has a volume of ${SPIRE_DRIVER}` },
  ];
}
