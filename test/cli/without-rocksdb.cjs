// Required before a program: makes it run as if the optional dependency were not installed.
const Module = require('node:module')
const resolve = Module._resolveFilename
Module._resolveFilename = function (request, ...more) {
  if (request.startsWith('@nxtedition/rocksdb')) {
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' })
  }
  return resolve.call(this, request, ...more)
}
