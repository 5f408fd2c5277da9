/** One JSON value. */
export const JSON_TYPE = 'application/json'
/** JSON values, each on a line of its own. */
export const NDJSON_TYPE = 'application/x-ndjson'
