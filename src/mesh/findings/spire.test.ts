import { describe, expect, it } from 'vitest';
import { type InjectionTemplates, type TemplateWithVolumes, spireFindings } from './spire.js';

const socket = { name: 'workload-socket', csi: { driver: 'csi.spiffe.io', readOnly: true } };
const template = (annotations: Record<string, string>, ...volumes: { name: string }[]): TemplateWithVolumes => ({
  metadata: { annotations },
  spec: { volumes },
});
const templates = (...names: string[]): Record<string, string> => ({ 'inject.istio.io/templates': names.join(', ') });
const none: InjectionTemplates = { defaults: ['sidecar'], withSpire: [] };
const byName: InjectionTemplates = { defaults: ['sidecar'], withSpire: ['identity'] };
const byDefault: InjectionTemplates = { defaults: ['sidecar', 'identity'], withSpire: ['identity'] };
const injected = 'SST4040 is injected with the template identity, which has a volume of csi.spiffe.io';

describe('the identity of pods is of SPIRE', () => {
  it.each<[string, TemplateWithVolumes, InjectionTemplates, string[]]>([
    [
      'by a volume of their own',
      template({}, { name: 'data' }, socket),
      none,
      ['SST4040 has the volume workload-socket of csi.spiffe.io in its pod template'],
    ],
    ['by an injection template that they name', template(templates('sidecar', 'identity')), byName, [injected]],
    ['by one that all pods get', template({}), byDefault, [injected]],
    ['unless they name others', template(templates('sidecar')), byDefault, []],
    ['unless nobody has the template', template(templates('sidecar', 'identity')), none, []],
    ['unless the volume is of another driver', template({}, { ...socket, csi: { driver: 'x.io' } } as never), none, []],
    ['unless they are a gateway, which is found as such', template(templates('gateway'), socket), none, []],
    ['unless they have no volumes', { spec: {} }, none, []],
  ])('%s', (_, pods, injector, expected) => {
    expect(spireFindings(pods, injector).map(({ code, message }) => `${code} ${message}`)).toEqual(expected);
  });
});
