import { CAPTURE_ANNOTATION } from '../../api/capture.js';
import type { Labels } from '../policy-object.js';
import { type TemplateCode, type TemplateFinding, named } from './template-finding.js';

/**
 * What is found if an annotation `traffic.sidecar.istio.io/…` has another value than `harmless`.
 *
 * @see istio.io, reference/config/annotations: an empty include list redirects nothing
 */
const ANNOTATIONS: Readonly<Record<string, { readonly code: TemplateCode; readonly harmless: string }>> = {
  includeInboundPorts: { code: 'SST4009', harmless: '*' },
  excludeInboundPorts: { code: 'SST4009', harmless: '' },
  excludeInterfaces: { code: 'SST4009', harmless: '' },
  includeOutboundIPRanges: { code: 'SST4015', harmless: '*' },
  excludeOutboundIPRanges: { code: 'SST4015', harmless: '' },
  excludeOutboundPorts: { code: 'SST4015', harmless: '' },
};

/** It only adds to the addresses that a sidecar takes; ztunnel takes them all. */
const ONLY_ADDS = 'includeOutboundPorts';

const KUBEVIRT = 'kubevirtInterfaces';

/** The annotations of a pod template that say which traffic is kept from its proxy. One that nobody knows blocks. */
export function exclusionFindings(annotations: Labels): TemplateFinding[] {
  const keys = new Map<TemplateCode, string[]>();
  const add = (code: TemplateCode, key: string): void => void keys.set(code, [...(keys.get(code) ?? []), key]);
  for (const [key, value] of Object.entries(annotations)) {
    const name = key.startsWith(CAPTURE_ANNOTATION.trafficPrefix)
      ? key.slice(CAPTURE_ANNOTATION.trafficPrefix.length)
      : undefined;
    if (name === KUBEVIRT) {
      if (value !== '' && annotations[CAPTURE_ANNOTATION.rerouteVirtualInterfaces] === undefined) add('SST4016', key);
    } else if (name !== undefined && name !== ONLY_ADDS) {
      const { code, harmless } = ANNOTATIONS[name] ?? { code: 'SST4009', harmless: undefined };
      if (value.trim() !== harmless) add(code, key);
    }
  }
  if (annotations[CAPTURE_ANNOTATION.interceptionMode] === 'NONE') add('SST4009', CAPTURE_ANNOTATION.interceptionMode);
  if (annotations[CAPTURE_ANNOTATION.bypassInboundCapture] === 'true')
    add('SST4017', CAPTURE_ANNOTATION.bypassInboundCapture);
  return [...keys].map(([code, found]) => ({ code, message: named('annotation', found) }));
}
