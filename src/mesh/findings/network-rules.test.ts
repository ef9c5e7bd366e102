import { describe, expect, it } from 'vitest';
import { policyObject } from '../../../test/support/policies.js';
import type { PolicyObject } from '../policy-object.js';
import {
  EGRESS,
  INGRESS,
  admitsPods,
  admitsPort,
  coversPeers,
  isForMesh,
  isIn,
  rulesOf,
  selectsAll,
  selectsAllOf,
} from './network-rules.js';

const network = (spec: object): PolicyObject => policyObject('NetworkPolicy', spec);
const pods = (podSelector: object): PolicyObject => network({ podSelector });
const app = (name: string): object => ({ matchLabels: { app: name } });
const block = (cidr: string): object => ({ ipBlock: { cidr } });
const web = { podSelector: app('web') };
const db = { podSelector: app('db') };

describe('the rules of a NetworkPolicy', () => {
  it.each<[string, object, number, number]>([
    ['without types, and without rules', {}, 0, 0],
    ['without types', { ingress: [{}], egress: [{}, {}] }, 1, 2],
    ['of callers', { policyTypes: ['Ingress'], ingress: [{}], egress: [{}] }, 1, 0],
    ['of those called', { policyTypes: ['Egress'], ingress: [{}], egress: [{}] }, 0, 1],
  ])('%s', (_, spec, ingress, egress) => {
    expect(rulesOf(network(spec), INGRESS)).toHaveLength(ingress);
    expect(rulesOf(network(spec), EGRESS)).toHaveLength(egress);
  });
});

describe('the pods of a NetworkPolicy', () => {
  it.each<[object, boolean]>([
    [{}, true],
    [{ matchLabels: {}, matchExpressions: [] }, true],
    [{ matchLabels: null }, true],
    [app('web'), false],
    [{ matchLabels: {}, matchExpressions: [{ key: 'app', operator: 'Exists' }] }, false],
  ])('%j are all of them: %s', (podSelector, isAll) => {
    expect(selectsAll(pods(podSelector))).toBe(isAll);
    expect(selectsAllOf(pods(podSelector), pods(app('db')))).toBe(isAll);
    expect(selectsAllOf(pods(podSelector), pods(podSelector))).toBe(true);
  });
});

describe('a rule is for traffic of the mesh', () => {
  it.each<[string, object, boolean]>([
    ['from everybody', {}, true],
    ['from pods', { from: [web] }, true],
    ['from addresses', { from: [block('10.0.0.0/8')] }, true],
    ['not from the kubelet', { from: [block('169.254.7.127/32')] }, false],
    ['not from the kubelet by IPv6', { from: [block('fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128')] }, false],
    ['not from either', { from: [block('169.254.7.127/32'), block('fd16:9254::/32')] }, false],
    ['from pods and the kubelet', { from: [block('169.254.7.127/32'), web] }, true],
    ['from other addresses by IPv6', { from: [block('fd17::/16')] }, true],
    ['by TCP among others', { ports: [{ port: 53, protocol: 'UDP' }, { port: 80 }] }, true],
    ['not by UDP', { ports: [{ port: 53, protocol: 'UDP' }] }, false],
  ])('%s', (_, rule, isOfMesh) => {
    expect(isForMesh({ ...rule }, INGRESS)).toBe(isOfMesh);
  });

  it.each([53, 15012])('but not if pods call TCP %i alone', (port) => {
    expect(isForMesh({ ports: [{ port }] }, EGRESS)).toBe(false);
    expect(isForMesh({ ports: [{ port }, { port: 80 }] }, EGRESS)).toBe(true);
    expect(isForMesh({ ports: [{ port }] }, INGRESS)).toBe(true);
  });
});

describe('port 8080, called http, is admitted', () => {
  it.each<[string, object[], boolean]>([
    ['with all', [], true],
    ['by its number', [{ port: 8080 }], true],
    ['by its name', [{ port: 'http' }], true],
    ['not by another', [{ port: 80 }, { port: 'admin' }], false],
    ['by TCP', [{ protocol: 'TCP' }], true],
    ['not by UDP', [{ protocol: 'UDP' }, { protocol: 'UDP', port: 8080 }], false],
    ['at the end of a range', [{ port: 8000, endPort: 8080 }], true],
    ['at the start of one', [{ port: 8080, endPort: 8090 }], true],
    ['not behind one', [{ port: 8000, endPort: 8079 }], false],
    ['not before one', [{ port: 8081, endPort: 8090 }], false],
  ])('%s', (_, ports, isAdmitted) => {
    expect(admitsPort({ ports }, 8080, 'http')).toBe(isAdmitted);
  });
});

describe('a rule is for all peers of another', () => {
  it.each<[string, object[], object[], boolean]>([
    ['if it is for everybody', [], [web], true],
    ['if both are for everybody', [], [], true],
    ['not if only the other is', [web], [], false],
    ['if they have the same', [web], [web], true],
    ['if it has more', [db, web], [web], true],
    ['not if it has less', [web], [web, db], false],
    ['not if it has others', [db], [web], false],
  ])('%s', (_, all, some, isCovered) => {
    expect(coversPeers({ from: all }, { from: some }, INGRESS)).toBe(isCovered);
  });
});

describe('pods web of namespace shop, of team a, as peers in namespace other', () => {
  const ours = { namespace: 'shop', namespaceLabels: { team: 'a' }, labels: { app: 'web' } };
  const team = (name: string): object => ({ namespaceSelector: { matchLabels: { team: name } } });
  it.each<[string, object[], 'yes' | 'no' | 'unknown']>([
    ['among everybody', [], 'yes'],
    ['by their namespace', [team('a')], 'yes'],
    ['by both', [{ ...team('a'), ...web }], 'yes'],
    ['beside others', [team('b'), team('a')], 'yes'],
    ['beside addresses', [block('10.0.0.0/8'), team('a')], 'yes'],
    ['by addresses', [block('10.0.0.0/8')], 'unknown'],
    ['by addresses beside others', [team('b'), block('10.0.0.0/8')], 'unknown'],
    ['not by another namespace', [team('b')], 'no'],
    ['not by other labels', [{ ...team('a'), ...db }], 'no'],
    ['not by labels of pods there', [web], 'no'],
  ])('%s', (_, from, expected) => {
    expect(admitsPods({ from }, INGRESS, ours, 'other')).toBe(expected);
  });

  it('are among all pods at home', () => {
    expect(admitsPods({ from: [web] }, INGRESS, ours, 'shop')).toBe('yes');
    expect(admitsPods({ from: [block('10.0.0.0/8')] }, INGRESS, ours, 'shop')).toBe('unknown');
  });
});

describe('an address is in a block', () => {
  it.each<[string, object, boolean]>([
    ['10.1.2.3', { cidr: '10.0.0.0/8' }, true],
    ['11.1.2.3', { cidr: '10.0.0.0/8' }, false],
    ['10.1.2.3', { cidr: '10.0.0.0/8', except: ['10.2.0.0/16', '10.1.0.0/16'] }, false],
    ['10.3.2.3', { cidr: '10.0.0.0/8', except: ['10.2.0.0/16', '10.1.0.0/16'] }, true],
    ['fd00::1', { cidr: 'fd00::/8' }, true],
    ['fd00::1', { cidr: '0.0.0.0/0' }, false],
    ['10.1.2.3', { cidr: 'ten' }, false],
    ['ten', { cidr: '10.0.0.0/8' }, false],
    ['10.1.2.3', {}, false],
  ])('%s in %j: %s', (address, rule, expected) => {
    expect(isIn(address, { ...rule })).toBe(expected);
  });
});
