import { CAPTURE_ANNOTATION } from '../../api/capture.js';
import { ANNOTATION, LABEL } from '../../api/labels.js';
import { GATEWAY_TEMPLATES, PROXY_CONTAINER, hasSidecar, injectionTemplates, isGateway } from '../dataplane.js';
import type { Labels } from '../policy-object.js';
import { exclusionFindings } from './exclusions.js';
import { type TemplateFinding, named } from './template-finding.js';

/** A pod template, as far as it decides what a pod loses with its sidecar. One of the API server fits. */
export interface TemplateOfPods {
  readonly metadata?: { readonly labels?: Labels; readonly annotations?: Labels };
  readonly spec: { readonly containers: { name: string }[]; readonly initContainers?: { name: string }[] };
}

/**
 * What a pod template says that ambient mode does not read, or reads in another way. At most one finding of each code, for a
 * finding is about the workload.
 */
export function podTemplateFindings(template: TemplateOfPods): TemplateFinding[] {
  return [
    ...labelFindings(template.metadata?.labels ?? {}),
    ...exclusionFindings(template.metadata?.annotations ?? {}),
    ...injectionFindings(template),
    ...settingFindings(template),
  ];
}

/**
 * Whether the pods are to have an agent for an application that speaks gRPC with istiod itself, in place of a sidecar.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/files, grpc-agent.yaml and grpc-simple.yaml
 */
export function isProxyless(template: TemplateOfPods): boolean {
  return injectionTemplates(template.metadata?.annotations).some((name) => PROXYLESS_TEMPLATES.has(name));
}

/**
 * That Prometheus scrapes the pods at their sidecars, which pass on the application's metrics: said where policies refuse plaintext.
 *
 * @see istio.io, ops/integrations/prometheus, Option 1: Metrics merging (on unless the annotation says otherwise)
 */
export function scrapeFindings({ metadata }: TemplateOfPods): { readonly code: 'SST4029'; readonly message: string }[] {
  const annotations = metadata?.annotations ?? {};
  const isScraped =
    annotations['prometheus.io/scrape'] === 'true' && annotations['prometheus.istio.io/merge-metrics'] !== 'false';
  const message = 'has the annotation prometheus.io/scrape in its pod template, and policies refuse plaintext';
  return isScraped ? [{ code: 'SST4029', message }] : [];
}

const PROXYLESS_TEMPLATES = new Set(['grpc-agent', 'grpc-simple']);

function labelFindings(labels: Labels): TemplateFinding[] {
  const found: TemplateFinding[] = [];
  if (labels[LABEL.dataplaneMode] === 'none')
    found.push({ code: 'SST4008', message: `has ${LABEL.dataplaneMode}: none in its pod template` });
  const reserved = [LABEL.tlsMode, LABEL.tunnel].filter((key) => labels[key] !== undefined);
  if (reserved.length > 0) found.push({ code: 'SST4010', message: named('label', reserved) });
  return found;
}

function injectionFindings(template: TemplateOfPods): TemplateFinding[] {
  const annotations = template.metadata?.annotations ?? {};
  const found: TemplateFinding[] = [];
  const value = annotations[ANNOTATION.injectTemplates] ?? '';
  const own = injectionTemplates(annotations).filter(
    (name) => name !== 'sidecar' && !GATEWAY_TEMPLATES.has(name) && !PROXYLESS_TEMPLATES.has(name),
  );
  if (own.length > 0)
    found.push({
      code: 'SST4018',
      message: `has ${ANNOTATION.injectTemplates}: ${value} in its pod template, and ${own.join(', ')} adds to its pods only with a sidecar`,
    });
  if (isProxyless(template))
    found.push({
      code: 'SST4019',
      message: `has ${ANNOTATION.injectTemplates}: ${value} in its pod template: proxyless gRPC`,
    });
  return [...found, ...proxyFindings(template)];
}

function proxyFindings({ metadata = {}, spec }: TemplateOfPods): TemplateFinding[] {
  if (hasSidecar({ metadata, spec })) return [{ code: 'SST4014', message: 'holds the sidecar in its pod template' }];
  const { containers, initContainers = [] } = spec;
  const place = containers.some(isProxy) ? 'containers' : initContainers.some(isProxy) ? 'initContainers' : undefined;
  // A gateway is found as such, by its pods.
  if (place === undefined || isGateway({ metadata })) return [];
  return [{ code: 'SST4020', message: `has a container ${PROXY_CONTAINER} in spec.template.spec.${place}` }];
}

/** No settings of the sidecar: whether there is one, and what is found above. */
const NOT_SETTINGS: ReadonlySet<string> = new Set([
  ANNOTATION.sidecarStatus,
  CAPTURE_ANNOTATION.interceptionMode,
  LABEL.inject,
]);

/** In the YAML, or JSON, of `proxy.istio.io/config`. */
const HBONE_OFF = /ISTIO_META_ENABLE_HBONE["']?\s*:\s*["']?false/i;

function settingFindings({ metadata = {} }: TemplateOfPods): TemplateFinding[] {
  if (isGateway({ metadata })) return [];
  if (HBONE_OFF.test(metadata.annotations?.[CAPTURE_ANNOTATION.proxyConfig] ?? '')) {
    const message = `turns ISTIO_META_ENABLE_HBONE off in the annotation ${CAPTURE_ANNOTATION.proxyConfig} of its pod template`;
    return [{ code: 'SST4028', message }];
  }
  const keys = Object.keys(metadata.annotations ?? {})
    .filter((key) => key === CAPTURE_ANNOTATION.proxyConfig || key.startsWith(CAPTURE_ANNOTATION.sidecarPrefix))
    .filter((key) => !NOT_SETTINGS.has(key));
  return keys.length > 0 ? [{ code: 'SST4021', message: named('annotation', keys) }] : [];
}

const isProxy = ({ name }: { name: string }): boolean => name === PROXY_CONTAINER;
