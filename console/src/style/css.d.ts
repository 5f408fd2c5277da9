/** Styles, which the bundler puts into a file. */
declare module '*.css' {}
