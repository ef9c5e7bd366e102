/** Owner, in managedFields, of everything Sidestep writes but status. A compatibility promise. */
export const FIELD_MANAGER = 'sidestep';
/** Owner of status. */
export const STATUS_FIELD_MANAGER = 'sidestep-status';
