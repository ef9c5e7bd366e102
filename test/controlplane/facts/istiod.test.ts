import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';

import { build } from '../build.js';
import { startControlPlane, type ControlPlane } from '../control-plane.js';
import { gatewayForms } from './gateway-forms.js';
import { podLabels } from './pod-labels.js';
import { Stage } from './stage.js';
import { whoServes } from './who-serves.js';

/*
 * What the istio-ambient facts have only derived from Istio's sources, asked of the real istiod; § is their section. There is
 * no Envoy and no ztunnel: it is seen what they are told, not what they do.
 *
 * Derived facts that are seen elsewhere: §3.7 form A in test/simulators/istiod-gateways.test.ts ('a waypoint of a deployment by
 * hand'), the YAML tags of §4.4 in cdk8s/ztunnel-config.test.ts. The tokens of §5.5 need an Envoy.
 */

const root = mkdtempSync(join(tmpdir(), 'sidestep-facts-'));
const canary = { revision: 'canary', tag: '1.31.0-canary' };

let controlPlane: ControlPlane;
let stage: Stage;

beforeAll(async () => {
  await build({ log: (line) => console.log(line) });
  controlPlane = await startControlPlane({ dir: join(root, 'cp'), audit: false, log: (line) => console.log(line) });
  await controlPlane.startRevision(canary.revision, { 'global.tag': canary.tag });
  stage = new Stage(controlPlane);
}, 900_000);

afterEach(() => stage.hangUp());

afterAll(async () => {
  stage?.close();
  await controlPlane?.stop();
  rmSync(root, { recursive: true, force: true });
});

whoServes(() => stage, canary);
gatewayForms(() => stage);
podLabels(() => stage);
