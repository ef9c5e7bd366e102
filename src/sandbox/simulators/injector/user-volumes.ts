import type { Container, PodSpec } from '../../../kube/types.js';
import type { TemplateInput } from './template-input.js';

type Mounts = NonNullable<Container['volumeMounts']>;
type Volumes = NonNullable<PodSpec['volumes']>;

/** Volumes that a pod asks for by annotation (JSON, by name), for its proxy. */
export function userVolumes(input: TemplateInput): Volumes {
  return byName(input, 'sidecar.istio.io/userVolume') as Volumes;
}

/** Where the proxy is to see them. */
export function userVolumeMounts(input: TemplateInput): Mounts {
  return byName(input, 'sidecar.istio.io/userVolumeMount') as Mounts;
}

function byName({ annotation }: TemplateInput, name: string): object[] {
  const entries = Object.entries(JSON.parse(annotation(name, '{}')) as Record<string, object>);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([volume, rest]) => ({ name: volume, ...rest }));
}
