import { ENDPOINT_SLICE, type EndpointSlice } from '../kube/types.js';
import { FOREIGN_SLICES } from '../mesh/ztunnel-view.js';

/** What is watched of EndpointSlices, by all controllers alike: those that say what pods do not. */
export const FOREIGN_ENDPOINTS = {
  type: ENDPOINT_SLICE,
  transform: trimSlice,
  labelSelector: FOREIGN_SLICES,
} as const;

function trimSlice({ apiVersion, kind, metadata, addressType, endpoints, ports }: EndpointSlice): EndpointSlice {
  return {
    apiVersion,
    kind,
    metadata,
    addressType,
    ...(endpoints && {
      endpoints: endpoints.map(({ addresses, conditions, targetRef }) => ({
        addresses,
        ...(conditions && { conditions }),
        ...(targetRef && { targetRef }),
      })),
    }),
    ...(ports && { ports }),
  };
}
