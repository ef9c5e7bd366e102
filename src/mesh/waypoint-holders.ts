import { LABEL } from '../api/labels.js';
import { OWN_ANNOTATION } from '../api/own-labels.js';
import { asRecord } from './policy-object.js';

/*
 * Who has set the waypoint labels of an object: a migration, the controller of accounts, or a person. The first two leave a mark, and may
 * both hold the same label of a Service: whoever gives it up takes it away only if the other does not hold it. So it goes from hand to hand,
 * and is there all the time.
 */

type Labels = Readonly<Record<string, string>>;

interface Labelled {
  readonly metadata: {
    readonly uid?: string | undefined;
    readonly labels?: Labels | undefined;
    readonly annotations?: Labels | undefined;
  };
}

/** Whether a migration holds the label `istio.io/use-waypoint` of an object. */
export function isHeldByMigration(object: Labelled): boolean {
  const { labels = {} } = object.metadata;
  const marked = markedLabels(object);
  return (
    labels[LABEL.useWaypoint] !== undefined &&
    [LABEL.useWaypoint, LABEL.useWaypointNamespace].every((key) => marked[key] === labels[key])
  );
}

/** Whether the controller of accounts holds it. */
export function isHeldByAccount(object: Labelled): boolean {
  const label = labelledWaypoint(object);
  return label !== undefined && label === boundWaypoint(object);
}

/** The waypoint labels that a migration has set on an object, by its mark; none if the mark is not one of ours. */
export function markedLabels({ metadata }: Labelled): Labels {
  const value = metadata.annotations?.[OWN_ANNOTATION.waypointLabels];
  if (value === undefined) return {};
  try {
    const { labels } = asRecord(JSON.parse(value));
    return Object.fromEntries(
      Object.entries(asRecord(labels)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    return {};
  }
}

/** The waypoint that the controller of accounts has bound a Service to: `<name>`, or `<namespace>/<name>` in another namespace. */
export function boundWaypoint({ metadata }: Labelled): string | undefined {
  return metadata.annotations?.[OWN_ANNOTATION.boundWaypoint];
}

/** The labels that bind a Service to such a waypoint: their name and, if it is another one, their namespace. */
export function bindingLabels(waypoint: string | undefined): { readonly name?: string; readonly namespace?: string } {
  const [first, second] = waypoint?.split('/') ?? [];
  if (first === undefined) return {};
  return second === undefined ? { name: first } : { namespace: first, name: second };
}

/** What the labels of a Service say, in the form of {@link boundWaypoint}. */
export function labelledWaypoint({ metadata: { labels = {} } }: Labelled): string | undefined {
  const { [LABEL.useWaypoint]: name, [LABEL.useWaypointNamespace]: namespace } = labels;
  // Half a choice is one, too: a name of ours beside it would mean another Gateway.
  return namespace === undefined ? name : `${namespace}/${name ?? ''}`;
}

/** Everything about an object that decides who holds its labels: a decision that was taken on another view of it no longer stands. */
export function holdersView({ metadata: { uid, labels, annotations = {} } }: Labelled): string {
  return JSON.stringify([
    uid,
    labels,
    annotations[OWN_ANNOTATION.waypointLabels],
    annotations[OWN_ANNOTATION.boundWaypoint],
  ]);
}
