import { type PolicyObject, asRecord, asRecords } from '../../mesh/policy-object.js';

/** istiod's condition `WaypointAccepted`, if it is about the policy as it is now. */
export function acceptanceOf(policy: PolicyObject): Readonly<Record<string, unknown>> | undefined {
  const { metadata, status } = policy as PolicyObject & { metadata: { generation?: number }; status?: unknown };
  const condition = asRecords(asRecord(status)['conditions']).find(({ type }) => type === 'WaypointAccepted');
  const { generation = 0 } = metadata;
  // istiod writes the number as text: it is an int64 of protobuf.
  return Number(condition?.['observedGeneration'] ?? generation) === generation ? condition : undefined;
}

/** What istiod says of it, for messages. */
export function describeAcceptance(policy: PolicyObject): string {
  const condition = acceptanceOf(policy);
  return condition
    ? `${String(condition['reason'])}, ${String(condition['message'])}`
    : 'no condition WaypointAccepted';
}

/** `Kind name`, for messages. */
export const nameOfPolicy = ({ kind, metadata }: PolicyObject): string => `${kind} ${metadata.name}`;
