import type { InjectionTemplates } from '../../mesh/findings/spire.js';
import { SPIRE_DRIVER } from '../../mesh/findings/spire.js';
import type { Resources } from '../../mesh/pod-resources.js';
import { asRecord, asStrings, stringAt } from '../../mesh/policy-object.js';
import type { MeshSettings } from '../../mesh/mesh-settings.js';
import type { Quantities } from '../../mesh/quantity.js';
import { configMapsOf } from '../../mesh/waypoint-inputs.js';
import type { Stores } from '../../runtime/stores.js';
import { type MeshLocation, configuration, parsedKey } from '../istio-configuration.js';

/** What the ConfigMap of the injector says about a mesh. */
export interface InjectorConfig {
  readonly waypointResources: Resources;
  readonly templates: InjectionTemplates;
  readonly primaryRemote: MeshSettings['primaryRemote'];
}

/**
 * Reads the ConfigMap `istio-sidecar-injector`, or that of a revision.
 *
 * @see istio/istio manifests/charts/istio-control/istio-discovery/templates/istiod-injector-configmap.yaml
 */
export function observeInjector(stores: Stores, location: MeshLocation, revision: string): InjectorConfig {
  const { istioNamespace } = location;
  const name = configMapsOf(revision).injector;
  const found = configuration(stores, location).get({ namespace: istioNamespace, name });
  const global = found ? asRecord(asRecord(parsedKey(found, 'values', '{}'))['global']) : {};
  // It is large, and hardly ever has anything to tell.
  const isSpire = found?.data?.['config']?.includes(SPIRE_DRIVER) === true;
  return {
    waypointResources: waypointResources(global),
    templates: templatesIn(isSpire ? parsedKey(found, 'config', '{}') : {}),
    primaryRemote: primaryRemote(global, `ConfigMap/${istioNamespace}/${name}`),
  };
}

type Json = Readonly<Record<string, unknown>>;

/** @see istio/istio manifests/charts/istio-control/istio-discovery/values.yaml, global.waypoint.resources */
function waypointResources(global: Json): Resources {
  const { requests, limits } = asRecord(asRecord(global['waypoint'])['resources']);
  return { requests: texts(requests), limits: texts(limits) };
}

/** Quantities may be numbers in values, and null where a default is taken away. */
function texts(quantities: unknown): Quantities {
  const entries = Object.entries(asRecord(quantities)).filter(([, quantity]) => quantity !== null);
  return Object.fromEntries(entries.map(([name, quantity]) => [name, String(quantity)]));
}

function templatesIn(config: unknown): InjectionTemplates {
  const { defaultTemplates, templates } = asRecord(config);
  const withSpire = Object.entries(asRecord(templates)).filter(([, text]) => String(text).includes(SPIRE_DRIVER));
  return { defaults: asStrings(defaultTemplates), withSpire: withSpire.map(([name]) => name) };
}

/** Both sides of it say so: the remote cluster where its istiod is, the primary one that it serves others. */
function primaryRemote(global: Json, object: string): MeshSettings['primaryRemote'] {
  const address = stringAt(global, 'remotePilotAddress') ?? '';
  if (address !== '') return { object, field: `values.global.remotePilotAddress: ${address}` };
  return String(global['externalIstiod']) === 'true'
    ? { object, field: 'values.global.externalIstiod: true' }
    : undefined;
}
