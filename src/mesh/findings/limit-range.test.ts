import { describe, expect, it } from 'vitest';
import { policyObject } from '../../../test/support/policies.js';
import type { PodOfContainers, Resources } from '../pod-resources.js';
import { limitRangeFindings } from './limit-range.js';

const asks = (cpu?: string, limit?: string): Resources => ({
  ...(cpu !== undefined && { requests: { cpu } }),
  ...(limit !== undefined && { limits: { cpu: limit } }),
});
const pod = (...containers: Resources[]): PodOfContainers => ({
  containers: containers.map((resources) => ({ resources })),
});
const ofPod = (bounds: object): object => ({ type: 'Pod', ...bounds });
const ofContainer = (bounds: object): object => ({ type: 'Container', ...bounds });
const messages = (limits: object[], spec: PodOfContainers, waypoint?: Resources): string[] =>
  limitRangeFindings(
    [policyObject('LimitRange', { limits }, { name: 'bounds' })],
    [{ name: 'Deployment/web', spec }],
    waypoint && { name: 'waypoint', min: 2, resources: waypoint },
  ).map(({ code, object, message }) => `${code} ${object} ${message.slice(message.indexOf(':') + 2)}`);
const refused = (text: string): string[] => [`SST4035 LimitRange/bounds Deployment/web, field spec.limits[0].${text}`];

describe('a LimitRange for pods, which lose what the sidecar adds to the sum', () => {
  const min = ofPod({ min: { cpu: '200m' } });
  const max = ofPod({ max: { cpu: '2' } });
  const ratio = ofPod({ maxLimitRequestRatio: { cpu: '2' } });
  it.each<[string, object, PodOfContainers, string[]]>([
    ['min, not reached', min, pod(asks('100m')), refused('min.cpu: 200m, but they request 100m')],
    ['min, and nothing is requested', min, pod({}), refused('min.cpu: 200m, but they request none')],
    ['min, reached by several', min, pod(asks('100m'), asks('0.1')), []],
    ['min, reached by the limit alone, which is the request too', min, pod(asks(undefined, '200m')), []],
    [
      'min, reached by an init container',
      min,
      { ...pod(asks('50m')), initContainers: [{ resources: asks('200m') }] },
      [],
    ],
    [
      'min, reached with a sidecar of its own',
      min,
      { ...pod(asks('100m')), initContainers: [{ resources: asks('100m'), restartPolicy: 'Always' }] },
      [],
    ],
    ['min, reached by the pod as a whole', min, { ...pod({}), resources: asks('200m') }, []],
    ['min, reached with the overhead of the runtime', min, { ...pod(asks('150m')), overhead: { cpu: '50m' } }, []],
    ['max, without a limit', max, pod(asks('100m')), refused('max.cpu: 2, but they have no limit')],
    ['max, kept', max, pod(asks('100m', '2')), []],
    ['max, exceeded', max, pod(asks('1', '2'), asks('1', '1')), refused('max.cpu: 2, but their limit is 3000m')],
    [
      'a ratio, exceeded',
      ratio,
      pod(asks('100m', '300m')),
      refused('maxLimitRequestRatio.cpu: 2, but their limit is further above their request'),
    ],
    [
      'min, not reached by the limit',
      min,
      pod({ requests: { cpu: '200m' }, limits: { cpu: '150m' } }),
      refused('min.cpu: 200m, but their limit is 150m'),
    ],
    ['min, reached by a request without a limit', min, pod(asks('200m')), []],
    [
      'max, exceeded by the request',
      max,
      pod({ requests: { cpu: '3' }, limits: { cpu: '2' } }),
      refused('max.cpu: 2, but they request 3000m'),
    ],
    ['max, reached by the request, too', max, pod(asks('2', '2')), []],
    [
      'a ratio, of no limit',
      ratio,
      pod(asks('100m')),
      refused('maxLimitRequestRatio.cpu: 2, but they have no request or no limit'),
    ],
    [
      'a ratio, of no request',
      ratio,
      pod({ requests: { cpu: '0' }, limits: { cpu: '1' } }),
      refused('maxLimitRequestRatio.cpu: 2, but they have no request or no limit'),
    ],
    ['a ratio, kept', ratio, pod(asks('100m', '200m')), []],
    ['bounds for containers, which stay as they are', ofContainer({ min: { cpu: '1' } }), pod(asks('100m')), []],
    ['bounds for claims', { type: 'PersistentVolumeClaim', min: { storage: '1Gi' } }, pod({}), []],
  ])('%s', (_, limit, spec, expected) => {
    expect(messages([limit], spec)).toEqual(expected);
  });

  it('gives defaults to containers first', () => {
    const defaults = ofContainer({ defaultRequest: { cpu: '200m' }, default: { cpu: '1' } });
    expect(messages([min, defaults], pod({}))).toEqual([]);
    expect(messages([max, defaults], pod({}, {}, {}))).toEqual(refused('max.cpu: 2, but their limit is 3000m'));
    const ofClaims = { type: 'PersistentVolumeClaim', defaultRequest: { cpu: '200m' } };
    expect(messages([min, ofClaims], pod({}))).toEqual(refused('min.cpu: 200m, but they request none'));
  });

  it.each<[number, string]>([
    [1, 'w1'],
    [3, 'w1, w2, w3'],
    [5, 'w1, w2, w3 and 2 more'],
  ])('names %i workloads that have the same reason, and every reason', (count, names) => {
    const losing = Array.from({ length: count }, (_, at) => ({ name: `w${at + 1}`, spec: pod(asks('100m')) }));
    const ranges = [policyObject('LimitRange', { limits: [min, max] }, { name: 'bounds' })];
    expect(limitRangeFindings(ranges, losing, undefined)).toEqual([
      {
        code: 'SST4035',
        object: 'LimitRange/bounds',
        message:
          'LimitRange/bounds would refuse pods without sidecar: ' +
          `${names}, field spec.limits[0].min.cpu: 200m, but they request 100m; ` +
          `${names}, field spec.limits[1].max.cpu: 2, but they have no limit`,
      },
    ]);
  });
});

describe('a LimitRange and the pods of a waypoint', () => {
  it.each<[string, object, string[]]>([
    ['as containers', ofContainer({ max: { cpu: '1' } }), ['spec.limits[0].max.cpu: 1, but their limit is 2000m']],
    ['as pods', ofPod({ min: { cpu: '200m' } }), ['spec.limits[0].min.cpu: 200m, but they request 100m']],
    ['if they keep it', ofContainer({ min: { cpu: '100m' }, max: { cpu: '2' } }), []],
  ])('%s', (_, limit, expected) => {
    const found = messages([limit], pod(asks('1', '1')), asks('100m', '2')).filter((one) => one.startsWith('SST5008'));
    expect(found).toEqual(expected.map((text) => `SST5008 LimitRange/bounds ${text}`));
  });

  it('says all that is not kept, and is not about claims', () => {
    const limits = [ofPod({ min: { cpu: '1' } }), ofContainer({ max: { cpu: '1' } })];
    const ofClaims = { type: 'PersistentVolumeClaim', min: { cpu: '9' } };
    const ranges = [policyObject('LimitRange', { limits: [...limits, ofClaims] }, { name: 'bounds' })];
    const waypoint = { name: 'edge', min: 2, resources: asks('100m', '2') };
    expect(limitRangeFindings(ranges, [], waypoint)).toEqual([
      {
        code: 'SST5008',
        object: 'LimitRange/bounds',
        message:
          'LimitRange/bounds would refuse pods of waypoint edge: spec.limits[0].min.cpu: 1, but they request 100m; ' +
          'spec.limits[1].max.cpu: 1, but their limit is 2000m',
      },
    ]);
  });
});
