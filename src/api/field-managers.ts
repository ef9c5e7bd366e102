/** Owner, in managedFields, of everything Sidestep writes but status. A compatibility promise. */
export const FIELD_MANAGER = 'sidestep';
/** Owner of status. */
export const STATUS_FIELD_MANAGER = 'sidestep-status';
/** Owner of a waypoint's number of replicas until an autoscaler takes over. */
export const SCALE_FIELD_MANAGER = 'sidestep-scale';
