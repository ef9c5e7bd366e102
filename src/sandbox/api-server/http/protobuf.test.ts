import { describe, expect, test } from 'vitest';
import { protobufToJson } from './protobuf.js';

/** Bodies that kubectl 1.35.4 has sent. */
const sent = {
  secret: 'azhzAAoMCgJ2MRIGU2VjcmV0Eh0KEQoBcxIAGgAiACoAMgA4AEIAEgYKAWESAWIaABoAIgA=',
  deployment:
    'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErABChsKAWQSABoAIgAqADIAOABCAFoICgNhcHASAWQSggEIABIKCggKA2FwcBIBZBpqChoKABIAGgAiACoAMgA4AEIAWggKA2FwcBIBZBJMEi4KBW5naW54EgVuZ2lueCoAMgoKABAAGFAiACoAQgBqAHIAgAEAiAEAkAEAogEAGgAyAEIASgBSAFgAYABoAIIBAIoBAJoBAMIBACICCgAoADgAGgwIABAAGAAgACgAOAAaACIA',
  quota: 'azhzAAoTCgJ2MRINUmVzb3VyY2VRdW90YRImChEKAXESABoAIgAqADIAOABCABIPCg0KA2NwdRIGCgQ1MDBtGgAaACIA',
  token:
    'azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBItChAKABIAGgAiACoAMgA4AEIAEhMaDgoDUG9kEgJ2MRoBcCIAILAJGgQKABIAGgAiAA==',
  budget:
    'azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSNgoRCgFiEgAaACIAKgAyADgAQgASFQoJCAEQABoDNTAlEggKBgoBYRIBYhoKCAAYACAAKAAwABoAIgA=',
};

const decode = (body: string): unknown => JSON.parse(protobufToJson(Buffer.from(body, 'base64')).toString()) as unknown;

describe('protobuf', () => {
  test('bytes in maps are base64', () => {
    expect(decode(sent.secret)).toMatchObject({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 's', creationTimestamp: null },
      data: { a: 'Yg==' },
    });
  });

  test('lists, numbers and maps of texts', () => {
    expect(decode(sent.deployment)).toMatchObject({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', labels: { app: 'd' } },
      spec: {
        replicas: 0,
        selector: { matchLabels: { app: 'd' } },
        template: { spec: { containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] }] } },
      },
    });
  });

  test('quantities, and texts that may be numbers', () => {
    expect(decode(sent.quota)).toMatchObject({ spec: { hard: { cpu: '500m' } } });
    expect(decode(sent.budget)).toMatchObject({ spec: { minAvailable: '50%', selector: { matchLabels: { a: 'b' } } } });
  });

  test('kinds of subresources', () => {
    expect(decode(sent.token)).toMatchObject({
      kind: 'TokenRequest',
      spec: { expirationSeconds: 1200, boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } },
    });
  });

  test('what is no protobuf is a bad request', () => {
    expect(() => protobufToJson(Buffer.from('{}'))).toThrow('does not appear to be a protobuf message');
    const cut = Buffer.from(sent.secret, 'base64').subarray(0, 20);
    expect(() => protobufToJson(cut)).toThrow('unexpected EOF');
  });
});
