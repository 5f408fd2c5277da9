/** The version of this package. It stands here as well as in package.json, which is not there where the package was bundled. */
export const PACKAGE_VERSION = '0.2.0'
