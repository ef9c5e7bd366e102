import { describe, expect, test } from 'vitest';
import type { Gateway } from '../api/gateway-api.js';
import {
  accountTaken,
  bindings,
  boundGateway,
  isChosen,
  isHeldByOthers,
  mixedServices,
  type BindablePod,
  type BindableService,
} from './waypoint-binding.js';

const USE = 'istio.io/use-waypoint';
const BOUND = 'sidestep.dev/bound-waypoint';

const condition = (type: string, status: 'True' | 'False', reason: string = type) => ({
  type,
  status,
  reason,
  message: '',
});
const READY = [condition('sidestep.dev/Serving', 'True'), condition('Programmed', 'True')];

const gateway = (name: string, metadata: Partial<Gateway['metadata']> = {}, conditions = READY): Gateway => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'Gateway',
  metadata: { name, namespace: 'shop', creationTimestamp: '2026-11-21T09:00:00Z', ...metadata },
  spec: { gatewayClassName: 'istio', listeners: [{ name: 'mesh', port: 15008, protocol: 'HBONE' }] },
  status: { conditions },
});
const service = (labels: Record<string, string> = {}, annotations: Record<string, string> = {}): BindableService => ({
  metadata: { name: 'web', labels, annotations },
  spec: { selector: { app: 'web' } },
});
const pod = (serviceAccountName: string, app = 'web'): BindablePod => ({
  metadata: { name: `${app}-1`, labels: { app } },
  spec: { serviceAccountName },
});
const account = (name: string, labels: Record<string, string> = {}) => ({ metadata: { name, labels } });
const held = service({ [USE]: 'web-waypoint' }, { [BOUND]: 'web-waypoint' });

/** The label that the only Service should get; `as it is` where nothing is to be done. */
function wanted({
  services = [service()],
  pods = [pod('web')],
  accounts = [account('web')],
  gateways = [gateway('web-waypoint')],
  shared = [],
  isOptedOut = false,
}: {
  services?: BindableService[];
  pods?: BindablePod[];
  accounts?: ReturnType<typeof account>[];
  gateways?: Gateway[];
  shared?: Gateway[];
  isOptedOut?: boolean;
}): string | undefined {
  const [binding, second] = bindings(services, pods, accounts, { gateways, shared, isOptedOut });
  expect(second).toBeUndefined();
  return binding ? binding.waypoint : 'as it is';
}

describe('a Service is bound', () => {
  test('to the waypoint that has the name of the account of all its pods', () => {
    expect(wanted({})).toBe('web-waypoint');
    expect(wanted({ pods: [pod('web'), pod('web'), pod('other', 'other')] })).toBe('web-waypoint');
  });

  test('to the waypoint that names the account, before one that has its name', () => {
    const naming = gateway('any', { annotations: { 'istio.io/for-service-account': 'web' } });
    expect(wanted({ gateways: [gateway('web-waypoint'), naming] })).toBe('any');
  });

  test('to the waypoint that the account names, before all others; `none` is no waypoint', () => {
    const gateways = [gateway('web-waypoint'), gateway('chosen')];
    expect(wanted({ gateways, accounts: [account('web', { [USE]: 'chosen' })] })).toBe('chosen');
    expect(wanted({ gateways, accounts: [account('web', { [USE]: 'none' })] })).toBe('as it is');
  });

  test('to the oldest of several', () => {
    const claim = { annotations: { 'istio.io/for-service-account': 'web' } };
    const young = gateway('a', { ...claim, creationTimestamp: '2026-11-21T10:00:00Z' });
    expect(wanted({ gateways: [young, gateway('b', claim)] })).toBe('b');
  });

  test('and the others are told which account they do not get', () => {
    const claim = { annotations: { 'istio.io/for-service-account': 'web' } };
    const gateways = [gateway('b', claim), gateway('web-waypoint'), gateway('alone-waypoint')];
    const taken = (index: number) => accountTaken(gateways[index]!, [account('web'), account('alone')], gateways);
    expect([0, 1, 2].map(taken)).toEqual([undefined, { account: 'web', by: 'b' }, undefined]);
  });

  test('also where istiod has missed that the pods of a waypoint that we deploy are back', () => {
    const conditions = [...READY.slice(0, 1), condition('Programmed', 'False', 'AddressNotAssigned')];
    const missed = gateway('web-waypoint', {}, conditions);
    const status = { ...missed.status, addresses: [{ value: '10.96.0.7' }] };
    expect(wanted({ gateways: [{ ...missed, status }] })).toBe('web-waypoint');
    const spec = { ...missed.spec, gatewayClassName: 'istio-waypoint' };
    expect(wanted({ gateways: [{ ...missed, status, spec }] })).toBe('as it is');
  });

  test('to the oldest in whatever order they come', () => {
    const claim = { annotations: { 'istio.io/for-service-account': 'web' } };
    const [old, young] = ['9', '10'].map((hour, index) =>
      gateway(`w${index}`, { ...claim, creationTimestamp: `2026-11-21T${hour.padStart(2, '0')}:00:00Z` }),
    );
    expect(wanted({ gateways: [old!, young!] })).toBe('w0');
    expect(wanted({ gateways: [young!, old!] })).toBe('w0');
  });

  test('to the waypoint of account `default` if its pods name none', () => {
    const unnamed = { metadata: { name: 'web-1', labels: { app: 'web' } }, spec: {} };
    const given = { accounts: [account('default')], gateways: [gateway('default-waypoint')] };
    expect(wanted({ ...given, pods: [unnamed] })).toBe('default-waypoint');
    expect(wanted({ ...given, pods: [{ metadata: unnamed.metadata }] })).toBe('default-waypoint');
  });

  test('to a waypoint that istiod deploys if the account names it, once istiod calls it programmed', () => {
    const accounts = [account('web', { [USE]: 'web-waypoint' })];
    const ofIstiod = (...conditions: typeof READY): Gateway => {
      const made = gateway('web-waypoint', {}, conditions);
      return { ...made, spec: { ...made.spec, gatewayClassName: 'istio-waypoint' } };
    };
    const programmed = ofIstiod(condition('Programmed', 'True'));
    expect(wanted({ accounts, gateways: [programmed] })).toBe('web-waypoint');
    expect(wanted({ accounts, gateways: [ofIstiod(condition('Programmed', 'False'))] })).toBe('as it is');
    expect(wanted({ accounts, gateways: [ofIstiod(condition('Accepted', 'True'))] })).toBe('as it is');
    const { status: _, ...unknown } = programmed;
    expect(wanted({ accounts, gateways: [unknown] })).toBe('as it is');
    expect(wanted({ gateways: [programmed] })).toBe('as it is');
  });

  test('again where a person has taken our label away', () => {
    expect(wanted({ services: [service({}, { [BOUND]: 'web-waypoint' })] })).toBe('web-waypoint');
  });

  test('to no waypoint that is going, and stays as long as that is held', () => {
    const going = gateway('web-waypoint', {
      deletionTimestamp: '2026-11-21T10:00:00Z',
      finalizers: ['sidestep.dev/waypoint'],
    });
    expect(wanted({ gateways: [going] })).toBe('as it is');
    expect(wanted({ services: [held], gateways: [going] })).toBe('as it is');
  });

  test('and stays so while the waypoint restarts', () => {
    expect(wanted({ services: [held], gateways: [gateway('web-waypoint', {}, [])] })).toBe('as it is');
  });
});

describe('a Service is not bound', () => {
  test.each<[string, Parameters<typeof wanted>[0]]>([
    ['without pods', { pods: [] }],
    ['with pods of two accounts', { pods: [pod('web'), pod('other')] }],
    ['without a selector', { services: [{ metadata: { name: 'web' }, spec: {} }] }],
    ['without a spec', { services: [{ metadata: { name: 'web' } }] }],
    ['before the waypoint is ready', { gateways: [gateway('web-waypoint', {}, [condition('Programmed', 'True')])] }],
    ['before istiod knows the waypoint', { gateways: [gateway('web-waypoint', {}, READY.slice(0, 1))] }],
    ['if a person has chosen another waypoint', { services: [service({ [USE]: 'own' })] }],
    [
      'if a person has chosen one of another namespace',
      { services: [service({ [USE]: 'web-waypoint', 'istio.io/use-waypoint-namespace': 'other' })] },
    ],
    ['if a person has chosen none', { services: [service({ [USE]: 'none' })] }],
    ['if it is the Service of a waypoint', { services: [service({ 'gateway.istio.io/managed': 'x' })] }],
  ])('%s', (_, given) => {
    expect(wanted(given)).toBe('as it is');
  });
});

describe('a Service is let go', () => {
  test.each<[string, Parameters<typeof wanted>[0]]>([
    ['when pods of another account join', { pods: [pod('web'), pod('other')] }],
    ['when the Gateway is gone', { gateways: [] }],
    ['when the Gateway is being deleted', { gateways: [gateway('web-waypoint', { deletionTimestamp: 'now' })] }],
    ['when the account has left', { accounts: [] }],
    [
      'when the Gateway is no longer served',
      { gateways: [gateway('web-waypoint', {}, [condition('sidestep.dev/Serving', 'False', 'OptedOut')])] },
    ],
  ])('%s', (_, given) => {
    expect(wanted({ services: [held], ...given })).toBeUndefined();
  });

  test('by its mark alone where its label is gone, and so is what it should be bound to', () => {
    const marked = service({}, { [BOUND]: 'web-waypoint' });
    expect(bindings([marked], [], [account('web')], { gateways: [gateway('web-waypoint')] })).toEqual([
      { service: 'web', waypoint: undefined },
    ]);
    expect(wanted({ services: [marked], accounts: [account('web', { [USE]: 'new' })] })).toBeUndefined();
  });

  test('where its account has only half a label', () => {
    const accounts = [account('web', { 'istio.io/use-waypoint-namespace': 'mesh' })];
    expect(wanted({ services: [held], accounts, isOptedOut: true })).toBeUndefined();
  });

  test('by its mark alone where the label is a person’s', () => {
    expect(wanted({ services: [service({ [USE]: 'own' }, { [BOUND]: 'web-waypoint' })] })).toBeUndefined();
    expect(wanted({ services: [service({ [USE]: 'own' })], gateways: [] })).toBe('as it is');
  });

  test('by its mark alone where a person has added the namespace of another waypoint to our label', () => {
    const moved = service(
      { [USE]: 'web-waypoint', 'istio.io/use-waypoint-namespace': 'other' },
      { [BOUND]: 'web-waypoint' },
    );
    expect([isChosen(moved), isChosen(held), isChosen(service())]).toEqual([true, false, false]);
    expect(wanted({ services: [moved] })).toBeUndefined();
  });
});

describe('a label that a migration has set', () => {
  const migrated = (name: string, annotations: Record<string, string> = {}): BindableService =>
    service(
      { [USE]: name },
      { 'sidestep.dev/waypoint-labels': JSON.stringify({ labels: { [USE]: name } }), ...annotations },
    );

  test.each<[string, BindableService, Partial<Parameters<typeof wanted>[0]>, string | undefined]>([
    ['is held as well, if it names the waypoint of the account', migrated('web-waypoint'), {}, 'web-waypoint'],
    ['and stays so', migrated('web-waypoint', { [BOUND]: 'web-waypoint' }), {}, 'as it is'],
    [
      'and is given up with the account',
      migrated('web-waypoint', { [BOUND]: 'web-waypoint' }),
      { accounts: [] },
      undefined,
    ],
    ['beats that of the account', migrated('other'), {}, 'as it is'],
    [
      'is held as well while the waypoint is not ready',
      migrated('web-waypoint'),
      { gateways: [gateway('web-waypoint', {}, [])] },
      'web-waypoint',
    ],
    ['and without pods', migrated('other', { [BOUND]: 'web-waypoint' }), { pods: [] }, undefined],
    ['also when it moves', migrated('other', { [BOUND]: 'web-waypoint' }), {}, undefined],
  ])('%s', (_, given, rest, expected) => {
    expect(wanted({ services: [given], ...rest })).toBe(expected);
  });
});

describe('a Service with pods of two accounts', () => {
  const blueGreen = (blue: string, green: string, gateways: Gateway[]) => ({
    pods: [pod('blue'), pod('green')],
    accounts: [account('blue', { [USE]: blue }), account('green', { [USE]: green })],
    gateways,
  });
  const wp = gateway('wp');
  const bound = service({ [USE]: 'wp' }, { [BOUND]: 'wp' });

  test.each<[string, BindableService, Parameters<typeof wanted>[0], string | undefined]>([
    ['is bound if both name the same waypoint', service(), blueGreen('wp', 'wp', [wp]), 'wp'],
    ['stays bound then', bound, blueGreen('wp', 'wp', [wp]), 'as it is'],
    ['also while that waypoint restarts', bound, blueGreen('wp', 'wp', [gateway('wp', {}, [])]), 'as it is'],
    ['keeps the former one until the one that both name is there', bound, blueGreen('new', 'new', [wp]), 'as it is'],
    ['is let go if they name different ones', bound, blueGreen('wp', 'new', [wp, gateway('new')]), undefined],
    ['and if one of them is missing', bound, blueGreen('wp', 'new', [wp]), undefined],
    ['and if one wants none', bound, blueGreen('wp', 'none', [wp]), undefined],
  ])('%s', (_, given, rest, expected) => {
    expect(wanted({ ...rest, services: [given] })).toBe(expected);
  });

  test('is mixed only if their waypoints differ', () => {
    const mixed = (given: ReturnType<typeof blueGreen>) =>
      mixedServices([service()], given.pods, given.accounts, { gateways: given.gateways }).map(({ served }) => served);
    expect(mixed(blueGreen('wp', 'wp', [wp]))).toEqual([]);
    expect(mixed(blueGreen('wp', 'new', [wp, gateway('new')]))).toEqual([['blue', 'green']]);
    expect(mixed(blueGreen('wp', 'new', [wp]))).toEqual([['blue']]);
  });
});

test('a Service keeps its waypoint until the one that its account names now is ready', () => {
  const accounts = [account('web', { [USE]: 'second' })];
  const unready = gateway('second', {}, []);
  expect(wanted({ services: [held], accounts, gateways: [gateway('web-waypoint'), unready] })).toBe('as it is');
  expect(wanted({ services: [held], accounts, gateways: [gateway('web-waypoint'), gateway('second')] })).toBe('second');
  expect(wanted({ services: [held], accounts, gateways: [unready] })).toBeUndefined();
  // Sidestep makes one that is missing, but not at once.
  expect(wanted({ services: [held], accounts, gateways: [gateway('web-waypoint')] })).toBe('as it is');
  const none = [account('web', { [USE]: 'none' })];
  expect(wanted({ services: [held], accounts: none, gateways: [gateway('web-waypoint')] })).toBeUndefined();
});

describe('a waypoint that Sidestep deploys, and that is being deleted', () => {
  const leaving = (reason: string): Gateway => {
    const metadata = { deletionTimestamp: 'now', finalizers: ['sidestep.dev/waypoint'] };
    return gateway('web-waypoint', metadata, [condition('sidestep.dev/Serving', 'False', reason), ...READY.slice(1)]);
  };

  test('keeps its Services while policies depend on it, and gets no new ones', () => {
    const gateways = [leaving('PoliciesDepend')];
    expect(wanted({ services: [held], gateways })).toBe('as it is');
    expect(wanted({ gateways })).toBe('as it is');
  });

  test.each(['Deleting', 'StillNamed'])('lets them go when it says %s', (reason) => {
    expect(wanted({ services: [held], gateways: [leaving(reason)] })).toBeUndefined();
  });
});

describe('labels of namespace, account and Service', () => {
  const NAMESPACE = 'istio.io/use-waypoint-namespace';
  const abroad = gateway('shared', { namespace: 'mesh' });
  const naming = (labels: Record<string, string>) => [account('web', labels)];
  const bound = service({ [USE]: 'shared', [NAMESPACE]: 'mesh' }, { [BOUND]: 'mesh/shared' });

  // A Service without a label of its own takes that of its namespace, from Istio: there is nothing to write then.
  test.each<[string, Parameters<typeof wanted>[0], string | undefined]>([
    [
      'the account beats a namespace that wants none',
      { isOptedOut: true, accounts: naming({ [USE]: 'web-waypoint' }) },
      'web-waypoint',
    ],
    ['a namespace that wants none beats the name of a Gateway', { isOptedOut: true }, 'as it is'],
    ['and takes away what that has bound', { isOptedOut: true, services: [held] }, undefined],
    ['an account that wants none has none of its own', { accounts: naming({ [USE]: 'none' }) }, 'as it is'],
    [
      'the Service beats the account',
      { services: [service({ [USE]: 'none' })], accounts: naming({ [USE]: 'web-waypoint' }) },
      'as it is',
    ],
    ['half a choice of the Service is a choice', { services: [service({ [NAMESPACE]: 'mesh' })] }, 'as it is'],
    [
      'an account may name another namespace',
      { shared: [abroad], accounts: naming({ [USE]: 'shared', [NAMESPACE]: 'mesh' }) },
      'mesh/shared',
    ],
    ['if that admits it', { accounts: naming({ [USE]: 'shared', [NAMESPACE]: 'mesh' }) }, 'as it is'],
    ['and not without its name', { shared: [abroad], accounts: naming({ [USE]: 'shared' }) }, 'as it is'],
    [
      'also where its own has a Gateway of that name',
      {
        gateways: [gateway('shared', { creationTimestamp: '2026-11-21T08:00:00Z' })],
        shared: [abroad],
        accounts: naming({ [USE]: 'shared', [NAMESPACE]: 'mesh' }),
      },
      'mesh/shared',
    ],
    ['or its own by name', { accounts: naming({ [USE]: 'web-waypoint', [NAMESPACE]: 'shop' }) }, 'web-waypoint'],
    [
      'a bound Service stays',
      { services: [bound], shared: [abroad], accounts: naming({ [USE]: 'shared', [NAMESPACE]: 'mesh' }) },
      'as it is',
    ],
    [
      'and is let go when it is admitted no more',
      { services: [bound], accounts: naming({ [USE]: 'shared', [NAMESPACE]: 'mesh' }) },
      undefined,
    ],
  ])('%s', (_, given, expected) => {
    expect(wanted(given)).toBe(expected);
  });

  test('a mark says which Gateway it means', () => {
    expect(boundGateway({ metadata: { ...bound.metadata, namespace: 'shop' } })).toEqual({
      namespace: 'mesh',
      name: 'shared',
    });
    expect(boundGateway({ metadata: { ...held.metadata, namespace: 'shop' } })).toEqual({
      namespace: 'shop',
      name: 'web-waypoint',
    });
    expect(boundGateway(service())).toBeUndefined();
  });
});

test('a Service with pods of several accounts, of which one has a waypoint, is mixed, unless a person has chosen', () => {
  const mixed = (services: BindableService[], pods: BindablePod[]) =>
    mixedServices(services, pods, [account('web'), account('other')], { gateways: [gateway('web-waypoint')] });
  expect(mixed([service()], [pod('web'), pod('other')])).toEqual([
    { service: 'web', accounts: ['other', 'web'], served: ['web'] },
  ]);
  expect(mixed([service()], [pod('web')])).toEqual([]);
  expect(mixed([service()], [pod('other'), pod('third')])).toEqual([]);
  expect(mixed([service({ [USE]: 'none' })], [pod('web'), pod('other')])).toEqual([]);
  expect(mixed([service({ 'gateway.istio.io/managed': 'x' })], [pod('web'), pod('other')])).toEqual([]);
  const unlabelled = { metadata: { name: 'bare' }, spec: { selector: { app: 'web' } } };
  expect(mixed([unlabelled], [pod('web'), pod('other')])).toEqual([
    { service: 'bare', accounts: ['other', 'web'], served: ['web'] },
  ]);
});

test('a label of a Service stays if a person or a migration has set it', () => {
  const mark = { [BOUND]: 'web-waypoint' };
  const migration = { 'sidestep.dev/waypoint-labels': JSON.stringify({ labels: { [USE]: 'web-waypoint' } }) };
  expect(isHeldByOthers(service())).toBe(false);
  expect(isHeldByOthers(held)).toBe(false);
  expect(isHeldByOthers(service({ [USE]: 'own' }, mark))).toBe(true);
  expect(isHeldByOthers(service({ [USE]: 'web-waypoint' }, { ...mark, ...migration }))).toBe(true);
});

describe('a Gateway does not get an account that it asks for', () => {
  const asking = (name: string, asked: string, hour = '09'): Gateway =>
    gateway(name, {
      annotations: { 'istio.io/for-service-account': asked },
      creationTimestamp: `2026-11-21T${hour}:00:00Z`,
    });
  const accounts = [account('alone'), account('web'), account('out', { [USE]: 'none' })];
  test.each<[string, Gateway, ReturnType<typeof accountTaken>]>([
    ['if an older one asks for it, too', asking('alone-waypoint', 'web'), { account: 'web', by: 'old' }],
    ['unless nobody does', asking('any', 'alone'), undefined],
    ['if there is none', asking('web-waypoint', 'missing'), undefined],
    ['if it asks for none by its name either', gateway('any'), undefined],
    ['if that wants none', gateway('out-waypoint'), undefined],
  ])('%s', (_, given, expected) => {
    expect(accountTaken(given, accounts, [given, asking('old', 'web', '08')])).toEqual(expected);
  });
});

describe('a Service that is bound', () => {
  test('stays so for a moment without pods, and is not bound without any', () => {
    const serving = gateway('web-waypoint', {}, [condition('sidestep.dev/Serving', 'False', 'UnknownTemplate')]);
    expect(wanted({ services: [held], pods: [], gateways: [serving] })).toBe('as it is');
    expect(wanted({ services: [service()], pods: [] })).toBe('as it is');
    expect(wanted({ services: [held], pods: [], gateways: [] })).toBeUndefined();
  });
});
