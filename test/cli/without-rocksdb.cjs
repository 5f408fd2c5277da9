// Required ahead of a program: makes it run as where the optional dependency was not installed.
const Module = require('node:module')
const resolve = Module._resolveFilename
Module._resolveFilename = function (request, ...more) {
  if (request.startsWith('@nxtedition/rocksdb')) {
    throw Object.assign(new Error(`Cannot find module '${request}'`), { code: 'MODULE_NOT_FOUND' })
  }
  return resolve.call(this, request, ...more)
}
