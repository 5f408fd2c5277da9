/** The version of this package, also written in package.json, which is missing where the package is bundled. */
export const PACKAGE_VERSION = '0.2.0'
