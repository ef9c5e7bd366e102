import { describe, expect, test } from 'vitest';
import type { Service } from '../../kube/types.js';
import { bindingChanges } from './controller.js';

const USE = 'istio.io/use-waypoint';
const LABEL_PATH = ['metadata', 'labels', USE];
const MARK = ['metadata', 'annotations', 'sidestep.dev/bound-waypoint'];
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

const owning = (manager: string, more: object = {}) => ({
  manager,
  operation: 'Apply',
  fieldsV1: { 'f:metadata': { 'f:labels': { [`f:${USE}`]: {} } } },
  ...more,
});

/** A Service that we have bound. */
const bound = (managedFields: object[], annotations: Record<string, string> = {}): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: {
    name: 'web',
    namespace: 'shop',
    labels: { [USE]: 'wp' },
    annotations: { 'sidestep.dev/bound-waypoint': 'wp', ...annotations },
    managedFields: [owning('sidestep', { operation: 'Update' }), ...managedFields],
  },
  spec: {},
});

describe('a Service that is let go', () => {
  test.each<[string, Service]>([
    ['nobody else has declared', bound([])],
    ['somebody names in a status only', bound([owning('other', { subresource: 'status' })])],
    ['was not in what somebody has applied', bound([], { [LAST_APPLIED]: '{"metadata":{"labels":{"app":"web"}}}' })],
  ])('loses a label that %s', (_, service) => {
    const changes = bindingChanges(service, undefined);
    expect(changes).toContainEqual({ path: LABEL_PATH, value: undefined });
    expect(changes).toContainEqual({ path: MARK, value: undefined });
  });

  test.each<[string, Service]>([
    ['server-side', bound([owning('argocd-controller')])],
    ['client-side', bound([], { [LAST_APPLIED]: JSON.stringify({ metadata: { labels: { [USE]: 'wp' } } }) })],
  ])('keeps one that somebody has applied since, %s: only our mark goes', (_, service) => {
    expect(bindingChanges(service, undefined)).toEqual([{ path: MARK, value: undefined }]);
    // His label beats the account that names another one now.
    expect(bindingChanges(service, 'second')).toEqual([{ path: MARK, value: undefined }]);
  });
});
