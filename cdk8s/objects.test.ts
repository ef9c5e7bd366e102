import { k8s } from 'cdk8s-plus-28';
import { describe, expect, it } from 'vitest';
import { Objects, lostFields } from './objects.js';

describe('Objects', () => {
  it('renders typed and plain objects in the order in which they came', () => {
    const rendered = new Objects()
      .addPlain({ apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'z' }, spec: { b: 1, a: [] } })
      .add(k8s.KubeNamespace, { metadata: { name: 'a' } })
      .render();
    expect(rendered).toEqual([
      { apiVersion: 'example.org/v1', kind: 'Thing', metadata: { name: 'z' }, spec: { a: [], b: 1 } },
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a' } },
    ]);
  });

  it('gives equal text for equal input, whatever the order of keys', () => {
    const render = (labels: Record<string, string>) =>
      JSON.stringify(new Objects().add(k8s.KubeNamespace, { metadata: { name: 'a', labels } }).render());
    expect(render({ a: '1', b: '2' })).toBe(render({ b: '2', a: '1' }));
  });

  it('refuses an object without a name, and two of the same', () => {
    expect(() => new Objects().add(k8s.KubeNamespace, {})).toThrow('has no name');
    const objects = new Objects().add(k8s.KubeNamespace, { metadata: { name: 'a' } });
    expect(() => objects.add(k8s.KubeNamespace, { metadata: { name: 'a' } })).toThrow(/already/);
  });

  it('refuses to render an object of which cdk8s loses a field', () => {
    const spec = {
      clusterIp: 'None',
      trafficDistribution: 'PreferClose',
      ports: [{ port: 80, targetPort: 'http' as unknown as k8s.IntOrString }],
    };
    const objects = new Objects().add(k8s.KubeService, { metadata: { name: 's' }, spec });
    expect(() => objects.render()).toThrow(
      'Service s lost /spec/trafficdistribution, /spec/ports/0/targetport when it was rendered',
    );
  });
});

describe('lostFields', () => {
  it('sees values that changed, and looks into IntOrString and Quantity', () => {
    expect(
      lostFields(
        { a: k8s.IntOrString.fromNumber(1), b: k8s.Quantity.fromString('1Gi'), c: 1 },
        { a: 1, b: '1Gi', c: 2 },
      ),
    ).toEqual(['/c']);
  });
});
